"""Records calls as models' own chat templates write them: calls.json of every NAME.jinja in a folder, with ASKED.

    python tests/golden/record/calls.py FOLDER OUT_DIR      # FOLDER: chat templates of models that call tools

It needs transformers==5.24.0 and jinja2==3.1.6. An answer is what the template puts between the beginning of the assistant's turn and the
token that ends it, as the model was trained to write it.
"""
import re
from pathlib import Path

from common import arguments, out_folder, write_json
from templates import render

USER = {"role": "user", "content": "Rain?"}
PARAMETERS = {
    "city": {"type": "string"},
    "days": {"type": "integer"},
    "exact": {"type": "boolean"},
    "place": {"type": "object"},
    "ratio": {"type": "number"},
    "tags": {"type": "array"},
}


def tool(name, properties):
    parameters = {"type": "object", "properties": properties}
    return {"type": "function", "function": {"name": name, "description": "", "parameters": parameters}}


TOOLS = [tool("get_weather", PARAMETERS), tool("write_file", {"path": {"type": "string"}, "text": {"type": "string"}})]
ROME = {"city": "Rome"}
TYPED = {"city": "Zürich", "days": 3, "exact": True, "ratio": -0.5, "tags": ["a", 1, False], "place": {"at": [46.9, 7.4]}}
TRICKY = {"path": "a \"b\" \\ c.py", "text": "if a < b:\n    print('}]; {', [1])  # ünï 😀\n\n\treturn"}

# What the assistant says before its calls, and these.
ASKED = {
    "one": ("", [("get_weather", ROME)]),
    "no arguments": ("", [("get_weather", {})]),
    "arguments of every type": ("", [("get_weather", TYPED)]),
    "signs and lines": ("", [("write_file", TRICKY)]),
    "two": ("", [("get_weather", ROME), ("write_file", TRICKY)]),
    "words before": ("Let me look it up.", [("get_weather", ROME)]),
    "a tool of the model's own": ("", [("brave_search", {"query": "rain in Rome, today"})]),
}
OWN = {"builtin_tools": ["brave_search"]}  # what Llama 3.1's template asks for
IDS = ["Vk3mQ9xYz", "aB3dE6gH9"]
SAID = "Nothing else is said."
ENDS = re.compile(r"(<\|im_end\|>\n?|<\|eot_id\|>|<\|eom_id\|>|</s>|<\|end_of_text\|>)+$")


def answer(template, content, calls):
    """The assistant's answer with these calls; None where the template takes none such."""
    asked = [
        {"id": id, "type": "function", "function": {"name": name, "arguments": given}}
        for id, (name, given) in zip(IDS, calls)
    ]
    told = lambda **more: render(template, {
        "messages": [USER, {"role": "assistant", **more}], "tools": TOOLS, "add_generation_prompt": False, "variables": OWN,
    })
    plain, text = told(content=SAID), told(content=content, tool_calls=asked)
    if plain is None or text is None:
        return None
    begin = plain[:plain.index(SAID)]
    while not text.startswith(begin):  # up to where both are the same
        begin = begin[:-1]
    found = ENDS.sub("", text[len(begin):])
    return found if found.strip() != content else None


def main():
    parser = arguments(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=out_folder)
    given = parser.parse_args()
    models = {}
    for path in sorted(given.folder.glob("*.jinja")):
        template = path.read_bytes().decode()
        texts = {name: answer(template, *asked) for name, asked in ASKED.items()}
        print(path.stem, sum(text is not None for text in texts.values()), "of", len(texts), "answers")
        models[path.stem] = texts
    asked = {
        name: {"content": content, "calls": [[id, *call] for id, call in zip(IDS, calls)]}
        for name, (content, calls) in ASKED.items()
    }
    write_json(given.out / "calls.json", {"tools": TOOLS, "asked": asked, "models": models}, indent=1)


if __name__ == "__main__":
    main()
