import { html, trusted, type Markup } from './markup.ts';
import { STYLE } from './style.ts';

// The page needs nothing but itself, and must not run anything, whatever a model's names hold.
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/** One self-contained HTML page: no script, no network. */
export function page(title: string, body: Markup): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${trusted(POLICY)}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${trusted(STYLE)}
        </style>
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html> `.markup;
}
