import { isCareOf, type RuleContext } from './care-of-rules.js';
import { isAuthorised } from './network-rules.js';
import { type Binding, isAtHome, NOTHING, PLAIN, type Registration } from './registration.js';

/**
 * What of a registration its router may still have; the same object when that is all. For settings that changed, and for
 * what was saved under others.
 * @param now monotonic milliseconds
 */
export function permitted(before: Registration, context: RuleContext, now: number): Registration {
  const { settings, router } = context;
  if (router.key === undefined && settings.unauthenticated === 'refused') return NOTHING;
  const bindings = before.bindings
    .filter((binding) => isPermitted(binding, context))
    .slice(0, router.mostBindings)
    .map((binding) => shortened(binding, settings.longestLifetime, now));
  if (bindings.length === 0) return NOTHING;
  const prefixes = before.implicit
    ? router.prefixes
    : before.prefixes.filter((prefix) => isAuthorised(prefix, router));
  const flows = before.flows.slice(0, settings.mostFlows);
  const isSame =
    isUnchanged(before.bindings, bindings) &&
    isUnchanged(before.flows, flows) &&
    prefixes.length === before.prefixes.length &&
    prefixes.every((prefix, at) => before.prefixes[at]?.equals(prefix));
  return isSame ? before : { ...before, bindings, prefixes, flows };
}

function isPermitted(binding: Binding, context: RuleContext): boolean {
  const { settings, router } = context;
  if (binding.bid !== PLAIN && settings.severalCareOf === 'prohibited') return false;
  return isAtHome(binding, router)
    ? binding.bid !== PLAIN && settings.homeAndForeign === 'accepted'
    : isCareOf(binding.careOf, context) && !context.isTaken(binding.careOf);
}

function shortened(binding: Binding, longest: number, now: number): Binding {
  const end = now + longest * 1000;
  if (binding.end <= end) return binding;
  return { ...binding, lifetime: Math.min(binding.lifetime, longest), end };
}

function isUnchanged<T>(before: readonly T[], after: readonly T[]): boolean {
  return before.length === after.length && before.every((one, at) => one === after[at]);
}
