#!/bin/bash
# The owner of a group counts as a plain member, and asking a group who its admins are is impossible.
#
# Package: pyevolutionapi 0.1.1 (PyPI), `models.group`
# Expected: `role` of a participant with `admin: "superadmin"` is SUPERADMIN: the model has that role, and the server
#   passes on Baileys' participants, whose `admin` is "admin", "superadmin" or null. `Group.is_admin` answers for a
#   participant's id.
# Seen:
#   expected: superadmin,admin,member; is_admin of the owner True
#   seen, pyevolutionapi 0.1.1: member,admin,member; is_admin of the owner TypeError
# Why it matters for a WhatsApp gateway: programs that let only admins give orders in a group shut out the group's
#   owner. The second part is a property that wants an argument, so no way of using it works.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check pyevolutionapi==0.1.1
venv/bin/python - <<'PY'
import sys
from pyevolutionapi.models.group import Group

group = Group.model_validate({"id": "120363000000000001@g.us", "subject": "Shop", "participants": [
    {"id": "966501234567@s.whatsapp.net", "admin": "superadmin"},
    {"id": "15550001111@s.whatsapp.net", "admin": "admin"},
    {"id": "15550002222@s.whatsapp.net", "admin": None},
]})
roles = ",".join(p.role.value for p in group.participants)
try:
    is_admin = str(group.is_admin("966501234567@s.whatsapp.net"))
except TypeError as error:
    is_admin = "TypeError"
print("expected: superadmin,admin,member; is_admin of the owner True")
print(f"seen, pyevolutionapi 0.1.1: {roles}; is_admin of the owner {is_admin}")
sys.exit(0 if (roles, is_admin) == ("member,admin,member", "TypeError") else 1)
PY
