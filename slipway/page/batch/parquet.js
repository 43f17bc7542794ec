// A Parquet file as CSV text, as the server would have read it in training.
const CONTROL = /[\x00-\x08\x0e-\x1f]/g; // bytes in a column, which a text may not have
const isoDay = (date) => date.toISOString().slice(0, 10);

// pandas keeps the zone of a column beside it; the day that was meant is the day there.
function zones(metadata) {
  try {
    const kept = metadata.key_value_metadata?.find((item) => item.key === "pandas");
    const columns = JSON.parse(kept?.value ?? '{"columns": []}').columns;
    return new Map(columns.filter((c) => c.metadata?.timezone).map((c) => [c.field_name ?? c.name, c.metadata.timezone]));
  } catch {
    return new Map();
  }
}

function moment(date, zone) {
  if (Number.isNaN(date.getTime())) return "";
  let text = date.toISOString().replace("T", " ").slice(0, -5);
  if (zone && zone !== "UTC") {
    // Swedes write dates as ISO has them.
    text = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" }).format(date);
  }
  return text.replace(/ 00:00:00$/, "");
}

function cellWriter(element, zone) {
  const scale = element.converted_type === "DECIMAL" ? (element.scale ?? 0) : null;
  const isDay = element.converted_type === "DATE";
  return (value) => {
    if (value === null || value === undefined) return "";
    if (typeof value === "string") return value.replace(CONTROL, "");
    if (typeof value === "number") {
      if (Number.isNaN(value)) return "";
      return scale === null ? String(value) : value.toFixed(scale);
    }
    if (typeof value === "boolean") return value ? "True" : "False";
    if (value instanceof Date) return isDay ? isoDay(value) : moment(value, zone);
    if (typeof value === "bigint") return String(value);
    return JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? Number(inner) : inner));
  };
}

async function csvOfParquet(buffer, reader) {
  const { parquetMetadata, parquetRead, parquetSchema, compressors } = reader;
  const metadata = parquetMetadata(buffer);
  const elements = parquetSchema(metadata).children.map((child) => child.element);
  const codecs = new Set(metadata.row_groups.flatMap((group) => group.columns.map((c) => c.meta_data?.codec)));
  const unknown = [...codecs].find((codec) => codec && !(codec in compressors) && !["UNCOMPRESSED", "SNAPPY"].includes(codec));
  if (unknown) throw new Error(t("batch.unread_codec", { codec: unknown }));
  let rows = [];
  const file = { byteLength: buffer.byteLength, slice: (start, end) => buffer.slice(start, end) };
  await parquetRead({ file, metadata, compressors, onComplete: (found) => { rows = found; } });
  const zoned = zones(metadata);
  const writers = elements.map((element) => cellWriter(element, zoned.get(element.name)));
  const lines = [elements.map((element) => quoted(element.name, ",")).join(",")];
  for (const row of rows) lines.push(writers.map((write, i) => quoted(write(row[i]), ",")).join(","));
  return { text: lines.join("\n") + "\n", count: rows.length };
}
