"""The table of variables in each role's README, made of its argument_specs. Run by the tools' own Python, which has YAML."""

import json
import pathlib
import re

import yaml

ROLES = pathlib.Path(__file__).resolve().parents[1] / "roles"
HEAD = "| variable | type | default | what it is |\n|---|---|---|---|\n"
TABLE = re.compile(re.escape(HEAD) + r"(\|.*\n)*")
# What Ansible's documentation marks, as Markdown has it.
MARKS = [(r"\b[CV]\(([^)]*)\)", r"`\1`"), (r"\b[OM]\(([^)]*)\)", r"`\1`"), (r"\bR\(([^,)]*),[^)]*\)", r"`\1`")]


def readmes():
    """Return the text that each README is to have, by its path."""
    return {path: readme(path) for path in sorted(ROLES.glob("*/README.md"))}


def readme(path):
    """Return the text of a README with the table as it is to be."""
    specs = yaml.safe_load((path.parent / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    options = specs["argument_specs"]["main"]["options"]
    own = {name: option for name, option in options.items() if name.startswith(f"{path.parent.name}_")}
    table = HEAD + "".join(row(name, option) for name, option in flat(own))
    return TABLE.sub(lambda _: table, path.read_text(encoding="utf-8"), count=1)


def flat(options, prefix=""):
    """Return options with those inside them behind them, each with its whole name."""
    for name, option in options.items():
        yield prefix + name, option
        yield from flat(option.get("options", {}), f"{prefix}{name}.")


def row(name, option):
    """Return the row of one option: the first of what its documentation says, which says the most."""
    description = option["description"]
    text = description if isinstance(description, str) else description[0]
    for mark, markdown in MARKS:
        text = re.sub(mark, markdown, text)
    default = "required" if option.get("required") else ""
    if "default" in option:
        default = f"`{json.dumps(option['default'])}`"
    kind = f"list of {option['elements']}" if "elements" in option else option["type"]
    return f"| `{name}` | {kind} | {default} | {text.replace('|', chr(92) + '|')} |\n"


if __name__ == "__main__":
    for readme_path, wanted in readmes().items():
        readme_path.write_text(wanted, encoding="utf-8")
