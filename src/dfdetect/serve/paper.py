"""A report on paper: the HTML page printed as PDF by WeasyPrint (extra `report`), which needs Pango on the machine."""

from __future__ import annotations

from functools import cache
from types import ModuleType

from dfdetect.serve.problems import Problem


@cache
def _weasyprint() -> ModuleType | None:
    try:
        import weasyprint
    except (ImportError, OSError):  # OSError: the package is there, Pango is not
        return None
    return weasyprint  # type: ignore[no-any-return]


def can_print() -> bool:
    """Whether `as_pdf` works here; the first call takes half a second."""
    return _weasyprint() is not None


def as_pdf(page: bytes) -> bytes:
    """An HTML page as PDF. It may load what it carries inside (`data:`), nothing else: not a file, not an address.

    Raises Problem `not_available` without WeasyPrint or Pango.
    """
    library = _weasyprint()
    if library is None:
        raise Problem("not_available", "PDF needs `pip install 'dfdetect[report]'` and Pango on the server")
    inside_alone = library.urls.URLFetcher(allowed_protocols=["data"], allow_redirects=False)
    printed: bytes = library.HTML(string=page.decode(), url_fetcher=inside_alone).write_pdf()
    return printed
