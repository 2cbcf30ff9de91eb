"""`python -m docs._make` brings what the documentation takes from the code up to date; `make docs` does so first."""

from docs._make.sections import made

for path, text in made():
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        print(f"made anew: {path.name}")
