"""The file of results: a chapter for each half of the benchmark, written anew without the other."""

import re


def put(path, chapter):
    """Puts a chapter, which begins with its heading, in the place of the one with the same heading, or behind all."""
    text = path.read_text(encoding="utf-8") if path.exists() else "<!-- Written by `bench/run`. -->\n"
    head, *chapters = re.split(r"^(?=# )", text, flags=re.MULTILINE)
    heading = chapter.splitlines()[0]
    chapters = [each.strip() for each in chapters]
    if not any(each.splitlines()[0] == heading for each in chapters):
        chapters.append(heading)
    chapters = [chapter.strip() if each.splitlines()[0] == heading else each for each in chapters]
    path.write_text(head + "\n\n".join(chapters) + "\n", encoding="utf-8")
