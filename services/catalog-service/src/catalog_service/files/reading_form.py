"""How a caller says a catalogue file is to be read."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from catalog_service.access import ColumnName
from catalog_service.files.readers.encoding import encoding_named
from catalog_service.files.readers.recognise import Format, Options
from catalog_service.files.readers.tables import check_delimiter


class ReadingForm(BaseModel):
    """How the file is to be read; what is left out is found out. `sheet` is a workbook's: without
    one it is the first with a header."""

    format: Literal["auto"] | Format = "auto"
    id_field: ColumnName | None = None
    parent_field: ColumnName | None = None
    encoding: Annotated[str, Field(max_length=40)] | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    sheet: Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f]*$")] | None = None

    def options(self) -> Options:
        """As the readers take it. Raises `Refusal` for what no file can be read by."""
        if self.encoding:
            encoding_named(self.encoding)
        check_delimiter(self.delimiter)
        return Options(
            format=None if self.format == "auto" else self.format,
            id_field=self.id_field or None,
            parent_field=self.parent_field or None,
            encoding=self.encoding or None,
            delimiter=self.delimiter or None,
            sheet=self.sheet or None,
        )
