const RFC3339_UTC = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;
/** The years 0001 to 9999 in UTC: what RFC 3339 can write and a database can hold. */
const EARLIEST = -62_135_596_800_000;
const LATEST = 253_402_300_799_999;

let lastFormatted = { ms: 0, text: '1970-01-01T00:00:00.000Z' };

/** RFC 3339 in UTC with milliseconds. Throws RangeError on a number that is no time. The same instant is often written many times in a row. */
export function formatTime(ms: number): string {
  if (ms !== lastFormatted.ms) lastFormatted = { ms, text: new Date(ms).toISOString() };
  return lastFormatted.text;
}

/** Milliseconds since the epoch of an RFC 3339 date-time with an offset, or undefined (RFC 3339 §5.6). Days that do not exist and the year 0 are refused. */
export function parseTime(text: string): number | undefined {
  if (!RFC3339_UTC.test(text)) return undefined;
  const ms = Date.parse(text);
  if (!(ms >= EARLIEST && ms <= LATEST)) return undefined;
  const day = Number(text.slice(8, 10));
  return day <= daysInMonth(Number(text.slice(0, 4)), Number(text.slice(5, 7))) ? ms : undefined;
}

/** Whole seconds since the epoch, rounded down: what a NumericDate claim holds (RFC 7519 §2). */
export function epochSeconds(ms: number): number {
  return Math.floor(ms / 1000);
}

function daysInMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}
