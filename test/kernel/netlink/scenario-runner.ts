/** Child process of a test: runs one scenario in the namespace it was started in and prints what it returns. */
const [, , scenarios, name, peer] = process.argv;
const module = (await import(`./${scenarios}.scenarios.js`)) as Record<
  string,
  (peer: string) => Promise<unknown>
>;
const scenario = module[name ?? ''];
if (scenario === undefined || peer === undefined)
  throw new Error(`There is no scenario ${scenarios} ${name}`);
process.stdout.write(JSON.stringify((await scenario(peer)) ?? null));
