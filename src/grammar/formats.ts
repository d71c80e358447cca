/** What JSON Schema's formats are, as patterns. Each is no wider than its RFC has it; some are narrower. */

const DAY =
  "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))";
const DATE = `\\d{4}-${DAY}`; // no 29 February
const TIME = "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?(?:Z|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)"; // no leap second
const BYTE = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
const HOST = `${LABEL}(?:\\.${LABEL}){0,3}`;
const UNRESERVED = "[A-Za-z0-9._~!$&'()*+,;=:@-]";
const PATH = `(?:/${UNRESERVED}*)*`;
const QUERY = `(?:\\?(?:${UNRESERVED}|[/?])*)?(?:#(?:${UNRESERVED}|[/?])*)?`;
const N = "\\d{1,6}";
const AMOUNTS = `(?:${N}D|${N}M(?:${N}D)?|${N}Y(?:${N}M(?:${N}D)?)?)`;
const HOURS = `T(?:${N}S|${N}M(?:${N}S)?|${N}H(?:${N}M(?:${N}S)?)?)`;

/** By name. */
export const FORMATS: Readonly<Record<string, string>> = {
  date: `^${DATE}$`,
  time: `^${TIME}$`,
  "date-time": `^${DATE}T${TIME}$`,
  duration: `^P(?:${AMOUNTS}(?:${HOURS})?|${HOURS}|${N}W)$`,
  uuid: "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
  ipv4: `^${BYTE}(?:\\.${BYTE}){3}$`,
  ipv6: "^(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}$", // without ::
  hostname: `^${HOST}$`,
  email: `^[A-Za-z0-9_+-]+(?:\\.[A-Za-z0-9_+-]+)*@${LABEL}(?:\\.${LABEL}){1,3}$`,
  uri: `^[a-zA-Z][a-zA-Z0-9+-]{0,15}://${HOST}(?::\\d{1,4})?${PATH}${QUERY}$`,
};
