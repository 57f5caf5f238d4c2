"""Facts as Parquet, read by other programs, against the same facts as CSV: python facts.py pandas|duckdb RUN."""

import sys
from pathlib import Path

TABLES = {
    "emissions": ["repeat", "pv", "seq", "due_ns", "posted_ns"],
    "observations": ["client", "repeat", "pv", "seq", "asked_ns", "received_ns", "first", "copy"],
    "requests": ["client", "repeat", "pv", "received_ns", "replied_ns", "seq"],
}
TYPES = {"client": "VARCHAR", "pv": "VARCHAR", "repeat": "UINTEGER", "copy": "UINTEGER", "first": "BOOLEAN"}


def with_pandas(run):
    import pandas

    for table, columns in TABLES.items():
        parquet = pandas.read_parquet(run / f"{table}.parquet", dtype_backend="numpy_nullable")
        csv = pandas.read_csv(run / f"{table}.csv", dtype_backend="numpy_nullable")
        assert list(parquet.columns) == columns, parquet.columns
        if "first" in columns:
            csv["first"] = csv["first"].astype("boolean")
        assert len(csv) > 0, table
        if "asked_ns" in columns:
            # A callback has none, a poller has one: both are among what is compared.
            assert parquet["asked_ns"].isna().any() and not parquet["asked_ns"].isna().all()
        for column in columns:
            kind = str(parquet[column].dtype)
            wanted = {"VARCHAR": "string", "UINTEGER": "UInt32", "BOOLEAN": "boolean"}.get(TYPES.get(column), "UInt64")
            assert kind == wanted, (table, column, kind)
            assert parquet[column].astype(csv[column].dtype).equals(csv[column]), (table, column)


def with_duckdb(run):
    import duckdb

    for table, columns in TABLES.items():
        parquet = duckdb.sql(f"select * from read_parquet('{run / table}.parquet')")
        assert parquet.columns == columns, parquet.columns
        types = [str(kind) for kind in parquet.types]
        assert types == [TYPES.get(column, "UBIGINT") for column in columns], types
        kinds = ", ".join(f"'{column}': '{kind}'" for column, kind in zip(columns, types))
        csv = f"read_csv('{run / table}.csv', header = true, columns = {{{kinds}}})"
        for one, other in [(f"read_parquet('{run / table}.parquet')", csv), (csv, f"read_parquet('{run / table}.parquet')")]:
            left = duckdb.sql(f"select count(*) from (select * from {one} except all select * from {other})").fetchall()[0]
            assert left == (0,), (table, left)
        assert duckdb.sql(f"select count(*) from {csv}").fetchall()[0][0] > 0, table
        if "asked_ns" in columns:
            missing, there = duckdb.sql("select count(*) filter (asked_ns is null), count(asked_ns) from parquet").fetchall()[0]
            assert missing > 0 and there > 0, (missing, there)


if __name__ == "__main__":
    {"pandas": with_pandas, "duckdb": with_duckdb}[sys.argv[1]](Path(sys.argv[2]))
