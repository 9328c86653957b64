r"""Text in tables that spreadsheets open: what a program would run as a formula is written so that it stays text.

A cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or the end of a line is a formula to Excel, LibreOffice and
Google Sheets, and a formula may send data to a host or start a program. An apostrophe in front keeps it text; when a
table of ours is read, the apostrophe is taken off again. Numbers stay as they are.

See OWASP, CSV Injection, https://owasp.org/www-community/attacks/CSV_Injection.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# The wide forms are signs, too, where a spreadsheet is set to Chinese, Japanese or Korean.
_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_PROTECTED = re.compile("'+[=+\\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def protect(cell: Any) -> Any:
    """Return a cell so that no spreadsheet takes it for a formula; what is no text, or is a number, stays.

    >>> protect("=1+1"), protect("-5.2e3"), protect("cell"), protect(-5)
    ("'=1+1", '-5.2e3', 'cell', -5)
    """
    if not isinstance(cell, str) or not _FORMULA.match(cell) or _NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}"


def restore(cell: Any) -> Any:
    """Return a cell as it was before `protect`.

    >>> restore("'=1+1"), restore("'cell'"), restore(protect("'-")) == "'-"
    ('=1+1', "'cell'", True)
    """
    return cell[1:] if isinstance(cell, str) and _PROTECTED.match(cell) else cell


def protect_table(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return a table with all its text, names of columns and rows included, protected; numbers keep their types."""
    return _map_text(table, protect)


def restore_table(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return a table as it was before `protect_table`."""
    return _map_text(table, restore)


def _map_text(table: "pd.DataFrame", change: Callable[[Any], Any]) -> "pd.DataFrame":
    import pandas as pd

    changed = table.copy(deep=False)
    for position, kind in enumerate(table.dtypes):
        column: Any = table.iloc[:, position]
        if isinstance(kind, pd.CategoricalDtype):
            column = column.cat.rename_categories([change(name) for name in kind.categories])
        elif pd.api.types.is_object_dtype(kind) or pd.api.types.is_string_dtype(kind):
            column = pd.Series([change(cell) for cell in column], index=table.index, dtype=kind)
        changed.isetitem(position, column)
    changed.columns = _map_names(table.columns, change)
    changed.index = _map_names(table.index, change)
    return changed


def _map_names(names: Any, change: Callable[[Any], Any]) -> Any:
    import pandas as pd

    titles = [change(title) for title in names.names]
    if isinstance(names, pd.MultiIndex):
        return pd.MultiIndex.from_tuples([tuple(map(change, name)) for name in names], names=titles)
    if pd.api.types.is_object_dtype(names.dtype) or pd.api.types.is_string_dtype(names.dtype):
        return pd.Index([change(name) for name in names], name=titles[0], dtype=names.dtype)
    return names.rename(titles[0])
