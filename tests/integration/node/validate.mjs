// Checks an OpenAPI document against the specification's own JSON Schema.
import fs from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';

const validator = new Validator();
const result = await validator.validate(JSON.parse(fs.readFileSync(process.argv[2])));
if (!result.valid) {
  console.error(JSON.stringify(result.errors, null, 2));
  process.exit(1);
}
console.log(validator.version);
