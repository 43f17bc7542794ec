"""Compile a saved pipeline of PyCaret 3 or scikit-learn into an ONNX graph, and check that it answers the same.

slipway compile pipeline.pkl --data rows.csv --out model.onnx
"""

import argparse
from pathlib import Path

from slipway.tables.source import DataSource
from slipway.training.usecase import pairs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `slipway compile` takes."""
    parser.add_argument("pipeline", help="what PyCaret's save_model() wrote, or a pickle of a fitted pipeline")
    parser.add_argument("--data", required=True, metavar="FILE", help="a table with rows as it was fitted on")
    parser.add_argument(
        "--out", default="model.onnx", metavar="FILE", help="where to write the graph (default: model.onnx)"
    )
    parser.add_argument("--decimal", choices=(".", ","), help="the decimal mark, where 1.030 can be read in two ways")
    parser.add_argument("--format", metavar="COLUMN=%d/%m/%Y", action="append", help="how the dates are written")


def run(args: argparse.Namespace) -> int:
    """Compile, and write the graph only if it answers as the pipeline does."""
    from slipway.compile.saved import compile_saved, write

    rows = DataSource(args.data, decimal=args.decimal)
    model, parity = compile_saved(args.pipeline, rows, pairs("--format", args.format or ()), print)
    write(model, Path(args.out))
    print(f"equal on {parity.rows:,} rows (largest difference {parity.largest:.1g}), {parity.seconds:.1f} s")
    print(f"wrote {args.out} ({model.ByteSize():,} bytes)")
    return 0
