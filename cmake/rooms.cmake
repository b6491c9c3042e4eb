# The rooms of the house, bottom up: which rooms each may see, and its doors, the headers by which
# others enter. Read by CMake (cmake/room.cmake) and by tools/check-layers.
#
# A new room: a folder, a line here. DOORS *: every header is one.

# ---- base: what every room may use
room(base DOORS *)

# ---- certs: keys, certificates, and whom TLS lets in
room(certs/io SEES base DOORS certificate.h digest.h io.h)
room(certs/verify SEES base certs/io DOORS verdict.h verify.h verify_internal.h)
room(certs/tls SEES base certs/io certs/verify DOORS context.h identity.h trial.h)
room(certs/issue SEES base certs/io certs/tls certs/verify DOORS authority.h install.h request.h)

# ---- config: settings and partners
room(config SEES base DOORS config.h folder.h partner.h)

# ---- fhir: pure, without file, clock, randomness or log
room(fhir/json SEES base DOORS json.h tree.h)
room(fhir/model SEES base DOORS definitions.h primitive.h)
room(fhir/client SEES base fhir/json DOORS match.h name.h)
room(fhir/codes SEES base fhir/json DOORS coding.h reason.h standing.h)
room(fhir/narrative SEES base fhir/json DOORS narrative.h xhtml.h)
room(fhir/fhirpath
  SEES base fhir/json fhir/model fhir/narrative
  DOORS fhirpath.h moment.h quantity.h)
room(fhir/record SEES base fhir/codes fhir/json DOORS directory.h record.h vocabulary.h)
room(fhir/consent SEES base fhir/client fhir/json fhir/record DOORS consent.h)
room(fhir/entries SEES base fhir/codes fhir/json fhir/record DOORS context.h entries.h reference.h)
room(fhir/search SEES base fhir/fhirpath fhir/json fhir/model DOORS search.h)
room(fhir/validate
  SEES base fhir/fhirpath fhir/json fhir/model fhir/narrative
  DOORS profile.h validate.h)
room(fhir/field
  SEES fhir/codes fhir/entries fhir/model fhir/record
  DOORS choice.h field.h standing.h)
room(fhir/map
  SEES base fhir/client fhir/codes fhir/entries fhir/field fhir/model fhir/narrative fhir/record
  DOORS map.h people.h)
room(fhir/message
  SEES base fhir/client fhir/codes fhir/entries fhir/field fhir/json fhir/map fhir/model
       fhir/narrative fhir/record
  DOORS event.h message.h)

# ---- gateway: the service and its commands
room(gateway/runtime SEES base certs/io DOORS *)
room(gateway/http SEES base certs/verify gateway/runtime DOORS http.h quota.h)
room(gateway/listener SEES certs/tls gateway/http gateway/runtime DOORS listen.h seats.h)
room(gateway/store
  SEES base certs/io config fhir/json fhir/record gateway/runtime
  DOORS store.h upkeep.h writer.h)
room(gateway/setup
  SEES base certs/io config fhir/codes fhir/message fhir/record fhir/validate gateway/runtime
  DOORS profiles.h setup.h)
room(gateway/alarm SEES fhir/json gateway/runtime gateway/setup DOORS alarm.h)
room(gateway/audit
  SEES base certs/io gateway/runtime gateway/setup gateway/store
  DOORS actor.h audit.h)
room(gateway/exchange
  SEES base certs/io fhir/json fhir/message fhir/record fhir/validate gateway/runtime
       gateway/setup
  DOORS attachment.h build_message.h check_message.h)
room(gateway/tls
  SEES base certs/io certs/issue certs/tls certs/verify config gateway/runtime gateway/setup
  DOORS own_ca.h revocation.h tls.h)
room(gateway/people
  SEES base fhir/client fhir/json gateway/audit gateway/runtime gateway/setup gateway/store
  DOORS directory_edit.h people.h)
room(gateway/referral
  SEES base certs/io fhir/client fhir/codes fhir/json gateway/audit gateway/runtime gateway/setup
       gateway/store
  DOORS recall.h track.h whose.h)
room(gateway/data_folder
  SEES base fhir/validate gateway/exchange gateway/people gateway/runtime gateway/setup
       gateway/store
  DOORS data_folder.h)
room(gateway/outbound
  SEES base certs/io fhir/client fhir/codes fhir/consent fhir/json fhir/message fhir/record
       fhir/validate gateway/audit gateway/exchange gateway/referral gateway/runtime gateway/setup
       gateway/store
  DOORS outbound.h outbox.h release.h)
room(gateway/backup
  SEES base certs/io config fhir/json gateway/audit gateway/data_folder gateway/runtime
       gateway/store
  DOORS backup.h)
room(gateway/command SEES base gateway/data_folder DOORS command.h)
room(gateway/delivery
  SEES base certs/io certs/tls fhir/json fhir/message gateway/audit gateway/http gateway/outbound
       gateway/referral gateway/runtime gateway/setup gateway/store
  DOORS deliver.h sender.h transmit.h)
room(gateway/export
  SEES base certs/io fhir/codes fhir/json gateway/alarm gateway/data_folder gateway/exchange
       gateway/outbound gateway/referral gateway/runtime gateway/store
  DOORS answer_files.h export.h)
room(gateway/inbound
  SEES base certs/io certs/tls fhir/codes fhir/json fhir/message fhir/record fhir/validate
       gateway/audit gateway/exchange gateway/http gateway/listener gateway/outbound
       gateway/people gateway/referral gateway/runtime gateway/setup gateway/store
  DOORS worker.h)
room(gateway/intake
  SEES base certs/io fhir/record gateway/data_folder gateway/exchange gateway/outbound
       gateway/runtime gateway/setup
  DOORS intake.h local_times.h wait.h)
room(gateway/maintenance
  SEES base certs/io certs/tls certs/verify config gateway/alarm gateway/audit gateway/data_folder
       gateway/delivery gateway/runtime gateway/setup gateway/store gateway/tls
  DOORS care.h disk.h expiry.h)
room(gateway/probe
  SEES base certs/tls config fhir/json fhir/message gateway/delivery gateway/runtime gateway/setup
       gateway/tls
  DOORS probe.h reach.h)
room(gateway/monitor
  SEES gateway/data_folder gateway/delivery gateway/http gateway/inbound gateway/listener
       gateway/maintenance gateway/referral gateway/runtime gateway/store
  DOORS monitor.h)
room(gateway/service
  SEES base certs/issue certs/tls config gateway/audit gateway/command gateway/data_folder
       gateway/delivery gateway/exchange gateway/export gateway/http gateway/inbound
       gateway/intake gateway/listener gateway/maintenance gateway/monitor gateway/outbound
       gateway/people gateway/referral gateway/runtime gateway/setup gateway/store gateway/tls
  DOORS control.h service.h)
room(gateway/demo
  SEES base certs/issue fhir/json gateway/command gateway/runtime gateway/service
  DOORS demo.h)
room(gateway/commands
  SEES base certs/io certs/issue certs/tls config fhir/client fhir/codes fhir/consent
       fhir/fhirpath fhir/json fhir/record fhir/validate gateway/audit gateway/backup
       gateway/command gateway/data_folder gateway/demo gateway/exchange gateway/export
       gateway/intake gateway/listener gateway/maintenance gateway/outbound gateway/people
       gateway/probe gateway/referral gateway/runtime gateway/service gateway/setup gateway/store
       gateway/tls
  DOORS table.h)
