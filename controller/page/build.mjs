// SPDX-License-Identifier: Apache-2.0
//
// Bundles the page and writes its files as C (see page.h).
//
// usage: node build.mjs MODULES OUT.c
//
// MODULES is the folder that has node_modules (build-aux/page-modules).

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const [modules, out] = process.argv.slice(2).map((path) => resolve(path));
const here = fileURLToPath(new URL(".", import.meta.url));
const esbuild = createRequire(join(modules, "package.json"))("esbuild");

async function bundle(entry) {
  const built = await esbuild.build({
    entryPoints: [join(here, entry)],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2021",
    charset: "utf8",
    legalComments: "none",
    nodePaths: [join(modules, "node_modules")],
    write: false,
    logLevel: "warning",
  });
  if (built.warnings.length) {
    throw new Error("esbuild has warnings");
  }
  return Buffer.from(built.outputFiles[0].contents);
}

const files = [
  ["index.html", "text/html; charset=utf-8",
    readFileSync(join(here, "index.html"))],
  ["page.css", "text/css; charset=utf-8", await bundle("src/page.css")],
  ["page.js", "text/javascript; charset=utf-8", await bundle("src/main.js")],
  ["icon.svg", "image/svg+xml", readFileSync(join(here, "icon.svg"))],
];

function array(name, bytes) {
  let text = `static const unsigned char ${name}[] = {\n`;
  for (let at = 0; at < bytes.length; at += 20) {
    text += `    ${[...bytes.subarray(at, at + 20)].join(",")},\n`;
  }
  return `${text}};\n\n`;
}

let c = "/* Made by controller/page/build.mjs. */\n\n#include <config.h>\n\n" +
  '#include "controller/page/page.h"\n\n';
let table = "static const struct page_file files[] = {\n";
files.forEach(([name, type, data], i) => {
  const gzip = gzipSync(data, { level: 9 });
  const etag = createHash("sha256").update(data).digest("hex").slice(0, 16);

  c += array(`data_${i}`, data) + array(`gzip_${i}`, gzip);
  table += `    { "${name}", "${type}", "${etag}", data_${i},\n` +
    `      sizeof data_${i}, gzip_${i}, sizeof gzip_${i} },\n`;
});
c += table + "};\n\nconst struct page_file *const page_files = files;\n" +
  `const size_t page_n_files = ${files.length};\n`;
writeFileSync(out, c);
