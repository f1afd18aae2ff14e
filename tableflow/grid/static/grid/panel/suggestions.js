/** What a template can read at its place: inputs, columns of the row, and what the steps before give. */

/** @typedef {{path: string, about: string}} Suggestion */
/** @typedef {{id: string, type: string, config: any}} Step */
/** @typedef {{type: string, title: string, description: string, config_schema: any, output_schema: any}} StepType */
/** @typedef {{key: string, name: string, type: string, group: number | null, position: number}} Column */

const MOST_PARTS = 60;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** @param {Column[]} columns @returns {Suggestion[]} */
export function ofColumns(columns) {
  return columns.map(({ key, name }) => ({ path: read("row", key), about: name }));
}

/** @param {string[]} inputs @returns {Suggestion[]} */
export function ofInputs(inputs) {
  return inputs.filter(Boolean).map((name) => ({ path: read("inputs", name), about: "Input" }));
}

/**
 * @param {Step[]} steps those that have run at this place
 * @param {Map<string, StepType>} types
 * @returns {Suggestion[]}
 */
export function ofSteps(steps, types) {
  return steps
    .filter(({ id }) => id)
    .flatMap((step) => {
      const type = types.get(step.type);
      const path = read("steps", step.id);
      return [{ path, about: type?.title ?? step.type }, ...parts(path, outputOf(step, type))];
    });
}

/** The schema of what a step gives, as far as its config says more than its type. @param {Step} step @param {StepType} [type] */
function outputOf(step, type) {
  const schema = type?.output_schema ?? {};
  const config = step.config ?? {};
  const called = type?.config_schema["x-functions"]?.find((/** @type {any} */ each) => each.name === config.function);
  if (called) return called.returns ?? {};
  if (step.type === "llm" && config.schema) return withPart(schema, "data", config.schema);
  if (step.type === "approval" && config.fields) return withPart(schema, "fields", config.fields);
  return schema;
}

/** @param {any} schema @param {string} name @param {any} part */
function withPart(schema, name, part) {
  return { ...schema, properties: { ...schema.properties, [name]: { ...schema.properties?.[name], ...part } } };
}

/** The schema at a path such as `steps.fetch.body`, null where nothing is known. @param {string} path @param {Step[]} steps @param {Map<string, StepType>} types */
export function schemaAt(path, steps, types) {
  const [space, id, ...rest] = path.split(".");
  const step = steps.find((each) => each.id === id);
  if (space !== "steps" || !step) return null;
  return rest.reduce((schema, name) => schema?.properties?.[name] ?? null, outputOf(step, types.get(step.type)));
}

/** @param {string} path @param {any} schema @returns {Suggestion[]} */
function parts(path, schema) {
  const found = Object.entries(schema?.properties ?? {}).flatMap(([name, part]) => {
    const at = NAME.test(name) ? `${path}.${name}` : `${path}["${name}"]`;
    return [{ path: at, about: part.title ?? said(part.type) }, ...parts(at, part)];
  });
  return found.slice(0, MOST_PARTS);
}

/** @param {string | string[] | undefined} type */
function said(type) {
  return [type ?? []].flat().join(" or ");
}

/** How a template reads a name: with a dot where Jinja takes it for one. @param {string} space @param {string} name */
function read(space, name) {
  return NAME.test(name) ? `${space}.${name}` : `${space}["${name}"]`;
}
