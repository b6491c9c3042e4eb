/* backup_internal: names inside a backup, shared by its two halves. Not for anyone else. */
#ifndef GATEWAY_BACKUP_BACKUP_INTERNAL_H
#define GATEWAY_BACKUP_BACKUP_INTERNAL_H

enum { BACKUP_FORMAT = 1 };
#define BACKUP_HEAD "refgate-backup.json"
#define BACKUP_STORE "store.db"
#define BACKUP_JOURNAL "store.journal"
#define BACKUP_SETTINGS "settings"

#endif
