export * from './sagastep.ts';
export * from './consequence.ts';
export * from './headers.ts';
export * from './worker-settings.ts';
export * from './defaults.ts';
export * from './duration.ts';
export * from './names.ts';
export * from './crd.ts';
