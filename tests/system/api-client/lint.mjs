// SPDX-License-Identifier: Apache-2.0
// Holds an OpenAPI document against Redocly's recommended rules: whatever they
// say of it, an error or a warning, is one too many.
// usage: node lint.mjs FILE
import core from "@redocly/openapi-core";

const config = await core.createConfig({ extends: ["recommended"] });
const problems = await core.lint({ ref: process.argv[2], config });
for (const { ruleId, severity, message, location } of problems) {
    console.error(`${severity} ${ruleId}: ${message} at ${
        location[0].pointer}`);
}
console.log(`${problems.length} problems`);
process.exit(problems.length ? 1 : 0);
