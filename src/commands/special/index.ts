export * from './hashes';
export * from './scripting';
export * from './servers';
export * from './sorted-sets';
export * from './streams';
export * from './strings';
export * from './vector-sets';
