"""How the parts and the whole of an output are written: text, or Parquet, whose parts are Arrow files."""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from slipway.inference.predictor import Predictor
from slipway.scoring.rows import Scored, output_names
from slipway.scoring.text import write_scored
from slipway.tables.plain_rows import PlainRows
from slipway.tables.writers import TextForm, TextWriter

CSV, PARQUET, ARROW = (".csv",), (".parquet", ".pq"), (".arrow", ".feather")
ROW_GROUP = 262_144
"""Rows of a row group of the output."""


class PartOutput(Protocol):
    """The form of the parts of an output."""

    def write_texts(self, file: IO[bytes], blocks: Iterable[tuple[Sequence[Sequence[str]], Scored]]) -> int:
        """Write a part of a text file, block by block; how many rows."""

    def write_batches(self, file: IO[bytes], batches: Iterable[Any]) -> int:
        """Write a part of a Parquet file, batch by batch; how many rows."""


class Output(PartOutput, Protocol):
    """The form of an output that is one file."""

    def whole(self, file: IO[bytes]) -> Any:
        """A context in which parts are joined: what it gives is called with the path of each."""


class CsvOutput:
    """Comma-separated UTF-8."""

    def __init__(self, predictor: Predictor, kept: Sequence[str], reasons: bool = False) -> None:
        self._predictor = predictor
        self._names = output_names(predictor, kept, reasons)

    def write_texts(self, file: IO[bytes], blocks: Iterable[tuple[Sequence[Sequence[str]], Scored]]) -> int:
        count = 0
        for rows, scored in blocks:
            writer = TextWriter(TextForm())
            write_scored(writer, self._predictor, rows, scored)
            file.write(writer.finish())
            count += len(rows)
        return count

    def write_batches(self, file: IO[bytes], batches: Iterable[Any]) -> int:
        from pyarrow import csv

        count = 0
        for batch in batches:
            csv.write_csv(batch, file, csv.WriteOptions(include_header=False))
            count += batch.num_rows
        return count

    @contextmanager
    def whole(self, file: IO[bytes]) -> Iterator[Any]:
        writer = TextWriter(TextForm())
        writer.begin(self._names)
        file.write(writer.finish())

        def add(path: Path) -> None:
            with path.open("rb") as part:
                shutil.copyfileobj(part, file, 1 << 20)

        yield add


class ParquetFolder:
    """A folder of Parquet files, one for each part, so that no row passes through the process that hands them out.

    `types` are those of the columns that are kept of the input, without them texts.
    """

    def __init__(self, predictor: Predictor, kept: Sequence[str], types: dict[str, Any], reasons: bool = False) -> None:
        import pyarrow as pa

        from slipway.scoring.batches import output_schema

        self._predictor = predictor
        self._schema = output_schema(predictor, [(name, types.get(name, pa.string())) for name in kept], reasons)
        self._kept = len(kept)

    def write_texts(self, file: IO[bytes], blocks: Iterable[tuple[Sequence[Sequence[str]], Scored]]) -> int:
        return self.write_batches(file, (self._batch(rows, scored) for rows, scored in blocks))

    def _batch(self, rows: Sequence[Sequence[str]], scored: Scored) -> Any:
        import pyarrow as pa

        from slipway.scoring.batches import added_arrays

        cells: Iterable[Sequence[str]]
        if isinstance(rows, PlainRows):
            cells = map(rows.column, range(self._kept))
        else:
            cells = zip(*rows, strict=True) if rows else [()] * self._kept
        columns = [pa.array(column, pa.string()) for column in cells] if self._kept else []
        return pa.RecordBatch.from_arrays([*columns, *added_arrays(self._predictor, scored)], schema=self._schema)

    def write_batches(self, file: IO[bytes], batches: Iterable[Any]) -> int:
        count = 0
        with self._part(file) as writer:
            for batch in batches:
                writer.write_batch(batch)
                count += batch.num_rows
        return count

    def _part(self, file: IO[bytes]) -> Any:
        """A writer of a part."""
        return self._parquet(file)

    def _parquet(self, file: IO[bytes]) -> Any:
        """A writer of Parquet in which each different text of a column stands once."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        texts = [column.name for column in self._schema if pa.types.is_string(column.type)]
        return pq.ParquetWriter(file, self._schema, use_dictionary=texts)


class ParquetOutput(ParquetFolder):
    """One Parquet file; its parts are Arrow files, which are joined quickly."""

    def _part(self, file: IO[bytes]) -> Any:
        import pyarrow as pa

        return pa.ipc.new_file(file, self._schema)

    @contextmanager
    def whole(self, file: IO[bytes]) -> Iterator[Any]:
        import pyarrow as pa

        with self._whole(file) as writer:

            def add(path: Path) -> None:
                with pa.OSFile(str(path)) as part, pa.ipc.open_file(part) as reader:
                    for index in range(reader.num_record_batches):
                        batch = reader.get_batch(index)
                        if batch.num_rows:
                            self._add(writer, batch)

            yield add

    def _whole(self, file: IO[bytes]) -> Any:
        """A writer of all rows."""
        return self._parquet(file)

    def _add(self, writer: Any, batch: Any) -> None:
        writer.write_batch(batch, row_group_size=ROW_GROUP)


class ArrowOutput(ParquetOutput):
    """One Arrow file (IPC, or Feather of version 2)."""

    def _whole(self, file: IO[bytes]) -> Any:
        return self._part(file)

    def _add(self, writer: Any, batch: Any) -> None:
        writer.write_batch(batch)
