"""Read a frame from Parquet, whole, on the thread that asks.

Belongs here: reading Parquet that this program wrote itself.
Not here: a stranger's Parquet file (readers.columnar, in a child), where the files of the store lie (store).
"""

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import pandas as pd


def from_parquet(source: Path | BinaryIO) -> "pd.DataFrame":
    """Return the frame in a Parquet file or an open one, from where it stands.

    No thread of Arrow's ever holds an object of Python's: one that lets go of a file while the interpreter ends aborts
    the process, or never lets it end (github.com/apache/arrow/issues/34314 and 50482; 2 runs in 120 here).

    Examples
    --------
    >>> import io
    >>> import pandas as pd
    >>> file = io.BytesIO()
    >>> pd.DataFrame({"rate": [0.14, 0.36]}).to_parquet(file)
    >>> from_parquet(file)["rate"].tolist()
    [0.14, 0.36]
    """
    from pyarrow import parquet

    with parquet.ParquetFile(source, pre_buffer=False) as file:
        found: pd.DataFrame = file.read(use_threads=False, use_pandas_metadata=True).to_pandas(use_threads=False)
    return found
