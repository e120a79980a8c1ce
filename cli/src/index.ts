export { CliError, type CliErrorCode } from './errors.ts';
export { type Platform, type PlatformOptions, startPlatform } from './local/platform.ts';
export { findFreePort } from './local/ports.ts';
