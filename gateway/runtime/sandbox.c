/* sandbox: see runtime/sandbox.h. Linux only; the system calls are called by number, so that no
 * further library is needed. */
#include "gateway/runtime/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gateway/runtime/log.h"

/* Version 3 of Landlock (Linux 6.2); the headers of Debian 12 are older. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

#if defined(__x86_64__)
#define HARDEN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define HARDEN_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

/* Sanitizers look into the process from a thread of their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HARDEN_IS_WATCHED 1
#else
#define HARDEN_IS_WATCHED 0
#endif

/* ---- the user ---- */

static bool set_capabilities(uint32_t wanted)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{.effective = wanted, .permitted = wanted}};
    return syscall(SYS_capset, &header, data) == 0;
}

static bool become(uid_t user, gid_t group)
{
    struct passwd entry;
    struct passwd *found = NULL;
    char room[4096];
    if (getpwuid_r(user, &entry, room, sizeof room, &found) == 0 && found != NULL)
        return initgroups(entry.pw_name, group) == 0 && setgid(group) == 0 && setuid(user) == 0;
    return setgroups(0, NULL) == 0 && setgid(group) == 0 && setuid(user) == 0;
}

bool harden_user(const char *dir, bool keeps_ports, struct arena *arena, const char **ret_why)
{
    struct stat about;
    if (geteuid() != 0 || stat(dir, &about) != 0 || about.st_uid == 0)
        return true;
    if (keeps_ports)
        prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    if (!become(about.st_uid, about.st_gid)) {
        *ret_why = arena_print(arena, "found root, who cannot become the owner of %s: %s", dir,
                               strerror(errno));
        return false;
    }
    if (keeps_ports)
        set_capabilities(1u << CAP_NET_BIND_SERVICE);
    return true;
}

/* ---- Landlock: no writing elsewhere ---- */

static void allow_writing(int rules, const char *folder, uint64_t rights)
{
    struct landlock_path_beneath_attr beneath = {.allowed_access = rights};
    beneath.parent_fd = open(folder, O_PATH | O_CLOEXEC);
    if (beneath.parent_fd < 0)
        return;
    syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    close(beneath.parent_fd);
}

enum harden_files harden_files(const char *const *folders, unsigned count)
{
    uint64_t rights = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                      LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                      LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                      LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                      LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM |
                      LANDLOCK_ACCESS_FS_REFER;
    /* Version 1 denies every move from folder to folder, which is how records leave records/out. */
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    bool covers_truncation = version >= 3;
    if (covers_truncation)
        rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
    struct landlock_ruleset_attr about = {.handled_access_fs = rights};
    int rules =
        version < 2 ? -1 : (int)syscall(SYS_landlock_create_ruleset, &about, sizeof about, 0);
    if (rules < 0)
        return HARDEN_FILES_OPEN;
    for (unsigned i = 0; i < count; i++)
        allow_writing(rules, folders[i], rights);
    allow_writing(rules, "/dev/null",
                  rights & (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE));
    bool fenced = syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    close(rules);
    if (!fenced)
        return HARDEN_FILES_OPEN;
    return covers_truncation ? HARDEN_FILES_FENCED : HARDEN_FILES_BUT_TRUNCATION;
}

/* ---- seccomp: never these ---- */

static const unsigned forbidden[] = {
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_pidfd_getfd,
    SYS_kcmp,
    SYS_mount,
    SYS_umount2,
    SYS_move_mount,
    SYS_open_tree,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
    SYS_mount_setattr,
    SYS_pivot_root,
    SYS_chroot,
    SYS_swapon,
    SYS_swapoff,
    SYS_reboot,
    SYS_kexec_load,
    SYS_kexec_file_load,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_userfaultfd,
    SYS_setns,
    SYS_unshare,
    SYS_open_by_handle_at,
    SYS_acct,
    SYS_quotactl,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_clock_adjtime,
    SYS_adjtimex,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_personality,
    /* What is asked of the kernel through a ring passes no filter. */
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
};

/* Besides, where Landlock does not know truncation: by a path, and by openat2, whose flags a filter
 * cannot see. */
static const unsigned truncating[] = {SYS_truncate, SYS_openat2};

#define HARDEN_COUNT(array) (sizeof(array) / sizeof *(array))

/* A filter that grows; each step is one instruction of classic BPF. */
struct filter {
    struct sock_filter steps[2 * (HARDEN_COUNT(forbidden) + HARDEN_COUNT(truncating)) + 32];
    unsigned short count;
};

static void add_step(struct filter *filter, struct sock_filter step)
{
    filter->steps[filter->count++] = step;
}

static void add_load(struct filter *filter, size_t offset)
{
    add_step(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset));
}

static void add_refusal(struct filter *filter)
{
    add_step(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
}

static void refuse_calls(struct filter *filter, const unsigned *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add_step(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, numbers[i], 0, 1));
        add_refusal(filter);
    }
}

/* Opening for reading and truncating at once empties a file that Landlock lets us read. CALL takes
 * its flags as argument number ARGUMENT. */
static void refuse_emptying(struct filter *filter, unsigned call, unsigned argument)
{
    size_t flags = offsetof(struct seccomp_data, args) + argument * sizeof(__u64);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    flags += sizeof(__u32);
#endif
    add_step(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 5));
    add_load(filter, flags);
    add_step(filter, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, O_TRUNC | O_ACCMODE));
    add_step(filter,
             (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, O_TRUNC | O_RDONLY, 0, 1));
    add_refusal(filter);
    add_load(filter, offsetof(struct seccomp_data, nr));
}

static void refuse_truncation(struct filter *filter)
{
    refuse_calls(filter, truncating, HARDEN_COUNT(truncating));
    refuse_emptying(filter, SYS_openat, 2);
#ifdef SYS_open
    refuse_emptying(filter, SYS_open, 1);
#endif
}

#ifdef HARDEN_ARCHITECTURE
/* Another machine's way of calling has other numbers, so it is not for us at all. */
static void refuse_other_numbers(struct filter *filter)
{
    add_load(filter, offsetof(struct seccomp_data, arch));
    add_step(filter,
             (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, HARDEN_ARCHITECTURE, 1, 0));
    add_step(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
    add_load(filter, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
    /* x32 calls are told by this bit; the architecture is the same. */
    add_step(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000u, 0, 1));
    add_refusal(filter);
#endif
}
#endif

bool harden_calls(bool refuses_truncation)
{
#ifdef HARDEN_ARCHITECTURE
    struct filter filter = {.count = 0};
    refuse_other_numbers(&filter);
    refuse_calls(&filter, forbidden, HARDEN_COUNT(forbidden));
    if (refuses_truncation)
        refuse_truncation(&filter);
    add_step(&filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const struct sock_fprog program = {filter.count, filter.steps};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
#else
    (void)refuses_truncation;
    return false;
#endif
}

void harden_process(const char *const *folders, unsigned count)
{
    const struct rlimit none = {0, 0};
    bool has_no_more = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    if (geteuid() != 0)
        set_capabilities(0);
    setrlimit(RLIMIT_CORE, &none);
    if (!HARDEN_IS_WATCHED)
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    bool is_fenced = has_no_more && count > 0;
    enum harden_files files = is_fenced ? harden_files(folders, count) : HARDEN_FILES_OPEN;
    bool are_calls_fenced =
        is_fenced && !HARDEN_IS_WATCHED && harden_calls(files == HARDEN_FILES_BUT_TRUNCATION);
    log_event(LOG_LEVEL_INFO, "hardened", "files", files == HARDEN_FILES_OPEN ? "not" : "landlock",
              "calls", are_calls_fenced ? "seccomp" : "not", "user",
              geteuid() == 0 ? "root" : "unprivileged", NULL);
}
