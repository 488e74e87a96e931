// SPDX-License-Identifier: Apache-2.0
//
// What fields objects have, by the description that vmnd sends of itself
// (GET /v1/openapi.json).

import { get } from "./api.js";

let loading = null;             // A promise of the description.

function load() {
  loading ??= get("openapi.json").catch((error) => {
    loading = null;             // The next one asks again.
    throw error;
  });
  return loading;
}

const last = (ref) => ref.split("/").at(-1);

/** The types of objects, by the schemas of their names. */
function nameTypes(paths) {
  const found = new Map();

  for (const [path, { put }] of Object.entries(paths)) {
    const type = /^\/v1\/([a-z-]+)\/\{name\}$/.exec(path)?.[1];
    const ref = put?.parameters?.find((p) => p.name === "name")?.schema.$ref;

    if (type && ref) {
      found.set(last(ref), type);
    }
  }
  return found;
}

/**
 * The schema of the spec of a type: { spec, resolve, typeOf }.
 * resolve(schema) is the schema itself, where it is a reference, with the
 * description of the place that refers to it; typeOf(schema) the type whose
 * names it takes, or undefined.
 */
export async function specSchema(type) {
  if (!(await load()).paths[`/v1/${type}/{name}`]) {
    loading = null;             // An app may have declared it since.
  }
  const { components, paths } = await load();
  const { schemas } = components;
  const names = nameTypes(paths);

  function resolve(schema) {
    if (schema.$ref === undefined) {
      return schema;
    }
    const { $ref, ...more } = schema;

    return { ...resolve(schemas[last($ref)]), ...more };
  }
  const put = paths[`/v1/${type}/{name}`].put.requestBody.content[
    "application/json"].schema;

  return { spec: resolve(resolve(put).properties.spec), resolve,
    typeOf: (schema) => schema.$ref && names.get(last(schema.$ref)) };
}
