export * from './sagastep.ts';
export * from './headers.ts';
export * from './worker-settings.ts';
