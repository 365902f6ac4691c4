"""Write tables of a release as Parquet, with what is said of them inside.

Belongs here: the form of a Parquet file.
Not here: which tables there are and the order of their rows (export_release).
"""

import json
from collections.abc import Sequence
from pathlib import Path

from engagement_stats.export_release import Release, Table


def write(release: Release, tables: Sequence[Table], folder: Path) -> None:
    """Write a Parquet file for each table.

    Parameters
    ----------
    release : Release
    tables : sequence of Table
    folder : Path
        There already. A file's metadata holds release_id, is_synthetic, the table's comment and key, and that of each
        column its comment.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    for table in tables:
        rows = release.arrow(table)
        fields = [
            pa.field(f.name, f.type, c.may_be_null, {"comment": c.comment})
            for f, c in zip(rows.schema, table.columns, strict=True)
        ]
        about = {
            "release_id": release.name, "is_synthetic": str(release.synthetic).lower(), "table": table.name,
            "comment": table.comment, "key": ",".join(table.key),
            # Readers other than Arrow see the file's metadata only.
            "columns": json.dumps({c.name: c.comment for c in table.columns}, ensure_ascii=False),
        }  # fmt: skip
        # One version of the format and one page layout, whatever the library's defaults become.
        pq.write_table(
            rows.cast(pa.schema(fields, about)), folder / f"{table.name}.parquet", version="2.6",
            compression="snappy", data_page_version="1.0", row_group_size=1_048_576,
        )  # fmt: skip
