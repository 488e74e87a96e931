// SPDX-License-Identifier: Apache-2.0
// Holds an OpenAPI document against the official schema of its version.
// usage: node validate.mjs FILE
import { readFile } from "node:fs/promises";
import { Validator } from "@seriousme/openapi-schema-validator";

const validator = new Validator();
const result = await validator.validate(
    JSON.parse(await readFile(process.argv[2], "utf8")));
if (result.valid) {
    // All that is referred to is there.
    validator.resolveRefs();
    console.log(`OpenAPI ${validator.version}`);
} else {
    console.error(JSON.stringify(result.errors, null, 1));
    process.exit(1);
}
