/** `strftime_now`: what Python's `datetime.strftime` writes in the C locale. */
import { cannot } from "./error.ts";

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  ...["January", "February", "March", "April", "May", "June", "July", "August", "September", "October"],
  ...["November", "December"],
];
const DAY = 86_400_000; // ms

/** A moment as a text. */
export function strftime(now: Date, format: string): string {
  return format.replace(
    /%([-_0^#]*)(\d*)([EO]?)(.)/gsu,
    (whole, flags: string, width: string, other: string, code: string) => {
      if (other !== "" || width !== "") cannot(`${whole} in strftime_now`);
      return flagged(part(now, code), flags);
    },
  );
}

/** A text, or a number with how many digits it is filled up to and with what. */
type Part = string | [value: number, width: number, fill?: string];

function flagged(part: Part, flags: string): string {
  let text: string;
  if (typeof part === "string") text = part;
  else {
    const [value, width, fill = "0"] = part;
    const flag = [...flags].findLast((one) => "-_0".includes(one));
    text = flag === "-" ? String(value) : String(value).padStart(width, flag === "_" ? " " : flag === "0" ? "0" : fill);
  }
  if (flags.includes("^")) return text.toUpperCase();
  if (!flags.includes("#")) return text;
  return /^[AP]M$/.test(text) ? text.toLowerCase() : text.toUpperCase();
}

function part(now: Date, code: string): Part {
  const year = now.getFullYear(), month = now.getMonth(), date = now.getDate(), day = now.getDay();
  const hour = now.getHours(), twelve = hour % 12 || 12;
  const inYear = Math.round((Date.UTC(year, month, date) - Date.UTC(year, 0, 1)) / DAY);
  const all = (format: string) => strftime(now, format);
  switch (code) {
    case "a":
      return DAYS[day].slice(0, 3);
    case "A":
      return DAYS[day];
    case "b":
    case "h":
      return MONTHS[month].slice(0, 3);
    case "B":
      return MONTHS[month];
    case "c":
      return all("%a %b %e %H:%M:%S %Y");
    case "C":
      return [Math.floor(year / 100), 2];
    case "d":
      return [date, 2];
    case "D":
    case "x":
      return all("%m/%d/%y");
    case "e":
      return [date, 2, " "];
    case "f":
      return [now.getMilliseconds() * 1000, 6];
    case "F":
      return all("%Y-%m-%d");
    case "g":
      return [isoWeek(now).year % 100, 2];
    case "G":
      return [isoWeek(now).year, 4];
    case "H":
      return [hour, 2];
    case "I":
      return [twelve, 2];
    case "j":
      return [inYear + 1, 3];
    case "k":
      return [hour, 2, " "];
    case "l":
      return [twelve, 2, " "];
    case "m":
      return [month + 1, 2];
    case "M":
      return [now.getMinutes(), 2];
    case "n":
      return "\n";
    case "p":
      return hour < 12 ? "AM" : "PM";
    case "P":
      return hour < 12 ? "am" : "pm";
    case "r":
      return all("%I:%M:%S %p");
    case "R":
      return all("%H:%M");
    case "S":
      return [now.getSeconds(), 2];
    case "t":
      return "\t";
    case "T":
    case "X":
      return all("%H:%M:%S");
    case "u":
      return [day || 7, 1];
    case "U":
      return [Math.floor((inYear + 7 - day) / 7), 2];
    case "V":
      return [isoWeek(now).week, 2];
    case "w":
      return [day, 1];
    case "W":
      return [Math.floor((inYear + 7 - (day + 6) % 7) / 7), 2];
    case "y":
      return [year % 100, 2];
    case "Y":
      return [year, 1];
    case "z":
    case "Z":
      return ""; // a moment without a time zone
    case "%":
      return "%";
    default:
      return cannot(`%${code} in strftime_now`);
  }
}

/** Week and its year by ISO 8601: a week is of the year that its Thursday is in. */
function isoWeek(now: Date): { year: number; week: number } {
  const midday = Date.UTC(now.getFullYear(), now.getMonth(), now.getDate());
  const thursday = new Date(midday + (4 - (now.getDay() || 7)) * DAY);
  const year = thursday.getUTCFullYear();
  return { year, week: Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY / 7) + 1 };
}
