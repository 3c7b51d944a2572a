#!/usr/bin/python
"""Ansible module: a folder of configuration files, replaced as a whole after its program has approved of it."""

# Runs on the managed host, with that host's Python and nothing of this repository.

from __future__ import annotations

DOCUMENTATION = r"""
module: config_tree
short_description: A folder of configuration files, replaced as a whole after its program approved of it
description:
  - The folder holds exactly the given files; what else is in it is removed.
  - New content is written next to the folder and checked by I(validate) as if it were in place already (in a mount
    namespace of its own), in check mode too. Only then does it take the folder's place.
  - The folder that was replaced is kept as C(<dest>.previous), for I(state=previous).
options:
  dest: {description: The folder., type: path, required: true}
  files: {description: Content by relative name; shown in diffs., type: dict, default: {}}
  secret_files: {description: Content by relative name; never shown., type: dict, default: {}}
  owner: {description: Owner of folders and files., type: str, default: root}
  group: {description: Group of folders and files., type: str, default: root}
  mode: {description: Mode of files; folders get x where there is r., type: str, default: "0640"}
  validate: {description: Command that must succeed with the new content in place., type: list, elements: str}
  state:
    description: C(previous) puts back what was replaced last.
    type: str
    choices: [present, previous]
    default: present
"""

EXAMPLES = r"""
- name: Configure the RADIUS server
  config_tree:
    dest: /etc/freeradius/govroam
    group: freerad
    files: {radiusd.conf: "{{ lookup('ansible.builtin.template', 'radiusd.conf.j2') }}"}
    validate: [freeradius, -XC, -d, /etc/freeradius/govroam]
"""

RETURN = r"""
files: {description: Names of the files that differ., returned: always, type: list}
"""

import grp  # noqa: E402
import os  # noqa: E402
import pwd  # noqa: E402
import shutil  # noqa: E402
import stat  # noqa: E402
from pathlib import Path  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402


def found_files(folder):
    """Content of everything below `folder` by relative name; what is no regular file counts as strange (None)."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_dir():
            plain = path.is_file() and not path.is_symlink()
            text = path.read_text(encoding="utf-8", errors="replace") if plain else None
            found[str(path.relative_to(folder))] = text
    return found


class Tree:
    """The folder as it is and as it should be."""

    def __init__(self, module):
        self.module = module
        values = module.params
        self.dest = Path(values["dest"])
        self.new = self.dest.with_name(self.dest.name + ".new")
        self.previous = self.dest.with_name(self.dest.name + ".previous")
        self.secret = set(values["secret_files"])
        texts = {**values["files"], **values["secret_files"]}
        self.wanted = {name: str(text).rstrip("\n") + "\n" for name, text in texts.items()}
        for name in self.wanted:
            if name.startswith("/") or ".." in name.split("/"):
                module.fail_json(msg=f"{name} is not a name below the folder")
        self.mode = int(values["mode"], 8)
        self.folder_mode = self.mode | ((self.mode & 0o444) >> 2)
        self.uid = self.gid = None
        try:
            self.uid = pwd.getpwnam(values["owner"]).pw_uid
            self.gid = grp.getgrnam(values["group"]).gr_gid
        except KeyError as error:
            # A host that was never set up: its packages, which make the user, are only predicted.
            if not module.check_mode:
                module.fail_json(msg=f"there is no such user or group: {error}")

    def differing(self, present):
        """Names of files that must be written or removed, or have the wrong owner or mode; `.` for the folder."""
        names = {name for name in set(present) | set(self.wanted) if present.get(name) != self.wanted.get(name)}
        names |= {name for name in self.wanted if name in present and self.wrong(name, self.mode)}
        if self.dest.is_dir() and self.wrong(".", self.folder_mode):
            names.add(".")
        return sorted(names)

    def wrong(self, name, mode):
        """Whether a file or folder has another owner, group or mode."""
        state = (self.dest / name).lstat()
        return (state.st_uid, state.st_gid, stat.S_IMODE(state.st_mode)) != (self.uid, self.gid, mode)

    def write(self):
        """Write the wanted files to the new folder."""
        shutil.rmtree(self.new, ignore_errors=True)
        old = os.umask(0o022)
        try:
            # What is above the folder is nobody's in particular.
            self.new.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            os.umask(0o077)
            self.folder(self.new)
            for name, text in self.wanted.items():
                path = self.new / name
                self.folder(path.parent)
                path.write_text(text, encoding="utf-8")
                self.own(path, self.mode)
        finally:
            os.umask(old)

    def folder(self, path):
        """Make a folder and those above it, unless it is there."""
        if not path.is_dir():
            self.folder(path.parent)
            path.mkdir()
            self.own(path, self.folder_mode)

    def own(self, path, mode):
        """Give a file or folder its owner, group and mode."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)
        path.chmod(mode)

    def validate(self):
        """Run the check with the new folder mounted over the old one, seen by the check alone."""
        words = self.module.params["validate"]
        if not words:
            return
        if self.module.check_mode and self.gid is None:
            self.module.warn("its program is not installed yet, so the configuration was not checked")
            return
        made = not self.dest.is_dir()
        if made:
            self.dest.mkdir()
        script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
        places = [str(self.new), str(self.dest)]
        code, out, err = self.module.run_command(["unshare", "--mount", "sh", "-c", script, "sh", *places, *words])
        if made:
            self.dest.rmdir()
        if code != 0:
            shutil.rmtree(self.new, ignore_errors=True)
            told = "\n".join((out + err).strip().splitlines()[-12:])
            self.module.fail_json(msg=f"the new configuration is refused; nothing was changed:\n{told}")

    def swap(self):
        """Put the new folder in place and keep the old one."""
        if self.dest.is_dir():
            shutil.rmtree(self.previous, ignore_errors=True)
            self.dest.rename(self.previous)
        self.new.rename(self.dest)

    def back(self):
        """Put back what was replaced last; returns whether there was something."""
        if not self.previous.is_dir():
            return False
        if not self.module.check_mode:
            shutil.rmtree(self.new, ignore_errors=True)
            self.dest.rename(self.new)
            self.previous.rename(self.dest)
            shutil.rmtree(self.new, ignore_errors=True)
        return True

    def diff(self, present, names):
        """What changes, file by file; of secrets only that they do."""
        shown = []
        for name in names:
            before, after = present.get(name) or "", self.wanted.get(name, "")
            if name in self.secret and before != after:
                before, after = "(hidden)\n" if before else "", "(hidden, changed)\n"
            elif before == after:
                before, after = "(another owner or mode)\n", ""
            path = str(self.dest / name)
            shown.append({"before_header": path, "after_header": path, "before": before, "after": after})
        return shown


def main():
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "dest": {"type": "path", "required": True},
            "files": {"type": "dict", "default": {}},
            "secret_files": {"type": "dict", "default": {}, "no_log": True},
            "owner": {"type": "str", "default": "root"},
            "group": {"type": "str", "default": "root"},
            "mode": {"type": "str", "default": "0640"},
            "validate": {"type": "list", "elements": "str", "default": []},
            "state": {"type": "str", "choices": ["present", "previous"], "default": "present"},
        },
        supports_check_mode=True,
    )
    tree = Tree(module)
    if module.params["state"] == "previous":
        module.exit_json(changed=tree.back(), files=[])
    present = found_files(tree.dest) if tree.dest.is_dir() else {}
    names = tree.differing(present)
    if names:
        tree.write()
        tree.validate()
        if module.check_mode:
            shutil.rmtree(tree.new, ignore_errors=True)
        else:
            tree.swap()
    module.exit_json(changed=bool(names), files=names, diff=tree.diff(present, names))


if __name__ == "__main__":
    main()
