export * from './types';
export * from './values';
export * from './collections';
export * from './sorted-sets';
export * from './streams';
export * from './server';
export * from './cluster';
export * from './misc';
