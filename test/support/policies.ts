import type { CxPolicy } from '../../src/datapath/index.js';

/** A policy that matches everything and names no binding. */
export const anyPolicy: CxPolicy = {
  source: '::',
  sourceMask: '::',
  destination: '::',
  destinationMask: '::',
  match: 0,
  mark: 0,
  markMask: 0,
  id: 1,
  fid: 1,
  priority: 10,
  sourcePortLow: 0,
  sourcePortHigh: 0,
  destinationPortLow: 0,
  destinationPortHigh: 0,
  protocol: 0,
  bindingCount: 0,
  bindings: [],
};
