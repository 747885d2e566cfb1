import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import { targetConstructorToSchema } from 'class-validator-jsonschema';
import type { JsonObject, JsonValue } from '../../../kernel/json.js';
import { isJsonObject } from '../../../kernel/json.js';
import { examplesOfMembers, withExamples } from './examples.js';
import type { DtoClass } from './handler-inputs.js';

const PREFIX = '#/components/schemas/';

interface TypeMetadata {
  readonly reflectedType?: unknown;
  readonly typeFunction?: () => unknown;
}

/** The schemas of DTO classes, from the very decorators that validate them, so that what is documented is what is accepted. */
export class Schemas {
  private readonly classes = new Map<string, DtoClass>();
  private readonly found = new Map<string, JsonObject>();

  /** A reference to the schema of a class, which is added with everything it refers to. Two classes of one name are refused. */
  refer(dto: DtoClass): JsonObject {
    const known = this.classes.get(dto.name);
    if (known && known !== dto) throw new Error(`two DTO classes are called ${dto.name}`);
    if (!known) this.add(dto);
    return { $ref: `${PREFIX}${dto.name}` };
  }

  /** The schema itself: for query parameters. */
  of(dto: DtoClass): JsonObject {
    return toSchema(dto);
  }

  /** An example for each member of a class that was added. */
  members(dto: DtoClass): JsonObject {
    return examplesOfMembers(Object.fromEntries(this.found), dto.name);
  }

  all(): JsonObject {
    const sorted = [...this.found].sort(([a], [b]) => (a < b ? -1 : 1));
    return withExamples(Object.fromEntries(sorted));
  }

  private add(dto: DtoClass): void {
    this.classes.set(dto.name, dto);
    this.found.set(dto.name, closed(toSchema(dto)));
    for (const nested of nestedClasses(dto)) this.refer(nested);
  }
}

/** The schema of a class with everything that it refers to under `$defs`: complete by itself. */
export function selfContainedSchema(dto: DtoClass): { readonly schema: JsonObject; readonly definitions: JsonObject } {
  const schemas = new Schemas();
  schemas.refer(dto);
  const { [dto.name]: schema = {}, ...others } = JSON.parse(
    JSON.stringify(schemas.all()).replaceAll(`"${PREFIX}`, '"#/$defs/'),
  ) as Record<string, JsonObject>;
  return { schema, definitions: others };
}

/** A value that each member of a class accepts, by its name; those for which none is known are left out. */
export function memberExamples(dto: DtoClass): JsonObject {
  const schemas = new Schemas();
  schemas.refer(dto);
  return schemas.members(dto);
}

function toSchema(dto: DtoClass): JsonObject {
  const schema = targetConstructorToSchema(dto, {
    refPointerPrefix: PREFIX,
    classTransformerMetadataStorage: defaultMetadataStorage as never,
  });
  // A member of the type `object` that no class describes.
  const text = JSON.stringify(schema).replaceAll(`"$ref":"${PREFIX}Object"`, '"type":"object"');
  return JSON.parse(text) as JsonObject;
}

/** Members that are not named are refused by the validation, so the schema refuses them too. */
function closed(schema: JsonObject): JsonObject {
  return { ...schema, additionalProperties: false };
}

function nestedClasses(dto: DtoClass): DtoClass[] {
  const storage = defaultMetadataStorage as {
    findTypeMetadata(target: unknown, property: string): TypeMetadata | undefined;
  };
  const properties: JsonValue | undefined = toSchema(dto)['properties'];
  if (!isJsonObject(properties)) return [];
  return Object.keys(properties).flatMap((property) => {
    const type = storage.findTypeMetadata(dto, property)?.typeFunction?.();
    return typeof type === 'function' ? [type as DtoClass] : [];
  });
}
