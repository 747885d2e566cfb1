/** Where class-transformer keeps `@Type`; published without a declaration of its own. */
declare module 'class-transformer/cjs/storage.js' {
  export const defaultMetadataStorage: unknown;
}
