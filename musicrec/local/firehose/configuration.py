"""A delivery stream's description, read back from the AWS API, in the form that delivery uses."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

_MEBIBYTE: Final = 1024 * 1024
_DEFAULT_MEBIBYTES: Final = 5
_DEFAULT_SECONDS: Final = 300

Json = dict[str, Any]


class UnsupportedDeliveryError(ValueError):
    """A delivery stream asks for something that is not carried out here."""


class CatalogTable(Struct, frozen=True):
    """The Glue table whose columns the Parquet files get."""

    database: str
    table: str
    region: str
    role_arn: str
    version: str


class Configuration(Struct, frozen=True):
    """How one delivery stream delivers.

    Attributes:
        name: the delivery stream.
        version: number of its configuration, part of the object names.
        stream: the Kinesis stream that it reads.
        source_role: ARN of the role that reads the stream.
        role: ARN of the role that writes to the bucket.
        buffer_bytes: size at which a partition is written.
        buffer_seconds: age at which a partition is written.
        partition_query: JQ that makes an object of partition keys from a record; None without
            dynamic partitioning.
        catalog_table: None without conversion to Parquet.
        parquet_compression: Parquet codec, e.g. `snappy`.
        gzip: whether unconverted objects are compressed.
        delimiter: written after each unconverted record.
    """

    name: str
    version: str
    stream: str
    source_role: str
    role: str
    bucket: str
    prefix: str
    error_prefix: str
    buffer_bytes: int
    buffer_seconds: float
    partition_query: str | None
    catalog_table: CatalogTable | None
    parquet_compression: str
    gzip: bool
    delimiter: bytes

    @property
    def source(self) -> tuple[str, str]:
        """What is read, and as whom."""
        return self.stream, self.source_role


def read_configuration(description: Json) -> Configuration | None:
    """Compile a `DeliveryStreamDescription`; None unless it leads from Kinesis to S3.

    Raises:
        UnsupportedDeliveryError: Lambda transformation, ORC, or another compression than GZIP.
    """
    source = description.get("Source", {}).get("KinesisStreamSourceDescription")
    destination = description["Destinations"][0].get("ExtendedS3DestinationDescription")
    if source is None or destination is None:
        return None
    name = description["DeliveryStreamName"]
    processors = _processors(name, destination)
    hints = destination.get("BufferingHints") or {}
    return Configuration(
        name=name,
        version=description["VersionId"],
        stream=source["KinesisStreamARN"].rpartition("/")[2],
        source_role=source.get("RoleARN", ""),
        role=destination.get("RoleARN", ""),
        bucket=destination["BucketARN"].rpartition(":")[2],
        prefix=destination.get("Prefix") or "",
        error_prefix=destination.get("ErrorOutputPrefix") or "",
        buffer_bytes=hints.get("SizeInMBs", _DEFAULT_MEBIBYTES) * _MEBIBYTE,
        buffer_seconds=hints.get("IntervalInSeconds", _DEFAULT_SECONDS),
        partition_query=_partition_query(destination, processors),
        catalog_table=_catalog_table(destination),
        parquet_compression=_parquet_compression(name, destination),
        gzip=_is_gzip(name, destination),
        delimiter=b"\n" if "AppendDelimiterToRecord" in processors else b"",
    )


def _processors(name: str, destination: Json) -> dict[str, dict[str, str]]:
    """Parameters of the enabled processors by type."""
    processing = destination.get("ProcessingConfiguration") or {}
    if not processing.get("Enabled"):
        return {}
    found = {
        processor["Type"]: {
            parameter["ParameterName"]: parameter["ParameterValue"]
            for parameter in processor.get("Parameters") or ()
        }
        for processor in processing.get("Processors") or ()
    }
    if unknown := sorted(found.keys() - {"MetadataExtraction", "AppendDelimiterToRecord"}):
        raise UnsupportedDeliveryError(
            f"delivery stream {name} uses the processor {unknown[0]}: only MetadataExtraction and "
            "AppendDelimiterToRecord are carried out here"
        )
    return found


def _partition_query(destination: Json, processors: dict[str, dict[str, str]]) -> str | None:
    partitioning = destination.get("DynamicPartitioningConfiguration") or {}
    if not partitioning.get("Enabled"):
        return None
    return processors.get("MetadataExtraction", {}).get("MetadataExtractionQuery")


def _conversion(destination: Json) -> Json:
    conversion: Json = destination.get("DataFormatConversionConfiguration") or {}
    return conversion if conversion.get("Enabled", bool(conversion)) else {}


def _catalog_table(destination: Json) -> CatalogTable | None:
    schema = _conversion(destination).get("SchemaConfiguration")
    if not schema:
        return None
    return CatalogTable(
        database=schema["DatabaseName"],
        table=schema["TableName"],
        region=schema.get("Region", ""),
        role_arn=schema.get("RoleARN", ""),
        version=schema.get("VersionId", "LATEST"),
    )


def _parquet_compression(name: str, destination: Json) -> str:
    output = _conversion(destination).get("OutputFormatConfiguration", {})
    serializer = output.get("Serializer", {})
    if "OrcSerDe" in serializer:
        raise UnsupportedDeliveryError(
            f"delivery stream {name} converts to ORC: only Parquet is carried out here"
        )
    codec = (serializer.get("ParquetSerDe") or {}).get("Compression", "SNAPPY")
    return "none" if codec == "UNCOMPRESSED" else str(codec).lower()


def _is_gzip(name: str, destination: Json) -> bool:
    compression = destination.get("CompressionFormat") or "UNCOMPRESSED"
    if compression not in {"UNCOMPRESSED", "GZIP"}:
        raise UnsupportedDeliveryError(
            f"delivery stream {name} compresses as {compression}: only GZIP is carried out here"
        )
    return bool(compression == "GZIP")
