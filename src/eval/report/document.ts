/** One HTML file that needs no network and runs no script. */
import { sha256 } from "../../engine/sha256.ts";
import { Markup, markup } from "./markup.ts";
import { STYLE } from "./style.ts";

const BEGIN =
  '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy"';

/** Whether a text is such a document. */
export function isDocument(text: string): boolean {
  return text.startsWith(BEGIN) && text.includes("<title>kvcap: ");
}

/** A document with a heading. */
export function documentOf(title: string, body: Markup): string {
  const hash = btoa(String.fromCharCode(...sha256(new TextEncoder().encode(STYLE))));
  const csp = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  const page = markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${csp}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>kvcap: ${title.toLowerCase()}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<h1>${title}</h1>
${body}
</body>
</html>
`;
  return page.text;
}
