import * as z from 'zod';
import { Address } from '../net/index.js';
import { ApiError } from './api-error.js';

/** Largest body of a request, bytes. */
export const MAX_BODY_BYTES = 64 * 1024;

const careOf = z
  .string()
  .max(64)
  .transform((text, context) => {
    try {
      const address = Address.parse(text);
      if (address.family === 6 && address.isGlobal) return address.toString();
      context.addIssue({ code: 'custom', message: `${text} is not a global IPv6 unicast address` });
    } catch {
      context.addIssue({ code: 'custom', message: `"${text}" is not an IPv6 address` });
    }
    return z.NEVER;
  });

/** Body of `PUT /v1/routers/:router/bindings/:bid`. */
export const bindingChange = z
  .strictObject({
    careOf: careOf.optional(),
    acceptOnly: z.boolean().optional(),
    down: z.boolean().optional(),
  })
  .refine((change) => Object.values(change).some((value) => value !== undefined), {
    message: 'nothing to change: give careOf or down',
  })
  .refine((change) => change.acceptOnly === undefined || change.careOf !== undefined, {
    message: 'acceptOnly needs careOf',
    path: ['acceptOnly'],
  });

/** Path of a binding. */
export const bindingPath = z.object({
  router: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, 'a router is named by letters, digits, ".", "_" and "-"'),
  bid: z
    .string()
    .regex(/^[0-9]{1,5}$/, 'a Binding ID is a number from 1 to 65535')
    .transform(Number)
    .refine((bid) => bid >= 1 && bid <= 65535, 'a Binding ID is a number from 1 to 65535'),
});

/** Path of a map. */
export const mapPath = z.object({
  name: z.string().regex(/^[A-Za-z0-9_.]{1,64}$/, 'a map is named by letters, digits, "." and "_"'),
});

/**
 * Checks an input against its schema.
 * @throws ApiError 400 `BAD_INPUT` that names each field
 */
export function checked<T extends z.ZodType>(schema: T, value: unknown, hint: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const where = issue.path.join('.');
    return where === '' ? issue.message : `${where}: ${issue.message}`;
  });
  throw new ApiError(400, 'BAD_INPUT', problems.join('; '), hint);
}
