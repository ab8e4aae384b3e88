// Unpacks npm's @sparticuz/chromium into the directory that TMPDIR names: `TMPDIR=... node unpack_chromium.mjs`.
// Where the machine lacks shared libraries that Chromium needs, those of its al2023 archive can serve.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { inflate } from "@sparticuz/chromium";

const archives = join(dirname(fileURLToPath(import.meta.resolve("@sparticuz/chromium"))), "..", "bin");
for (const name of ["chromium.br", "swiftshader.tar.br", "fonts.tar.br", "al2023.tar.br"]) {
  await inflate(join(archives, name));
}
