"""Renders chat templates as transformers does: templates/NAME.json of every NAME.jinja in a folder, with CONVERSATIONS.

    python tests/golden/record/templates.py FOLDER OUT_DIR      # FOLDER: tests/golden/record/templates, or public ones

It needs transformers==5.24.0 and jinja2==3.1.6. The moment that templates may ask for is 7 March 2026, 9:05:03, local time.
"""
import datetime
from pathlib import Path

import transformers.utils.chat_template_utils as utils

from common import arguments, out_folder, write_json
from conversations import CONVERSATIONS

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}


class Then(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2026, 3, 7, 9, 5, 3)


utils.datetime = Then


def render(template, case):
    """What apply_chat_template(tokenize=False) makes of a conversation; None where it refuses."""
    messages = utils._normalize_chat_messages(case["messages"])
    given = {"tools": case.get("tools"), "documents": case.get("documents"), "chat_template": template}
    how = {
        "continue_final_message": case.get("continue_final_message", False),
        "add_generation_prompt": case.get("add_generation_prompt", True),
    }
    try:
        rendered, _ = utils.render_jinja_template([messages], **given, **how, **{**SPECIAL, **case.get("variables", {})})
    except Exception:
        return None
    return rendered[0]


def main():
    parser = arguments(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=out_folder)
    given = parser.parse_args()
    target = out_folder(given.out / "templates")
    for path in sorted(given.folder.glob("*.jinja")):
        template = path.read_bytes().decode()
        cases = [{**case, "text": render(template, case)} for case in CONVERSATIONS]
        write_json(target / f"{path.stem}.json", {"template": template, "cases": cases})
        print(path.stem, sum(case["text"] is not None for case in cases), "of", len(cases), "rendered")


if __name__ == "__main__":
    main()
