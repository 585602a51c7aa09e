"""Read the file of a table, in any common format, and its cells as numbers, dates and texts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "column_names": ["MAX_COLUMNS"],
        "delimited": ["DECIMAL_POINT", "Delimited", "decimal_hint"],
        "parquet": ["parquet_lines", "parquet_names", "parquet_notes", "parquet_schema", "parquet_table"],
        "excel": ["is_workbook"],
        "opening": ["PARQUET", "open_table", "open_unpacked", "unpacked"],
        "tables": ["line_numbers", "read_raw", "read_table"],
        "column_types": ["typed"],
    },
)
