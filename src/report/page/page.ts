import { html, rawMarkup, type Markup } from './markup.ts';
import { STYLE } from './style.ts';

// The page loads nothing and runs nothing, whatever the names in a model contain.
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/** A self-contained HTML page, without scripts and requests. */
export function page(title: string, body: Markup): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${rawMarkup(POLICY)}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${rawMarkup(STYLE)}
        </style>
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html> `.markup;
}
