/** Names that say nothing about what is inside; a file or folder called so collects whatever has no home. */
const BANNED = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'shared', 'misc', 'types', 'constants', 'manager']);

/** Refuses files and folders with such a name. */
export const tellingNames = {
  meta: { type: 'problem', schema: [], messages: { banned: 'nothing is called "{{name}}": name what is inside' } },
  create(context) {
    return {
      Program(node) {
        const relative = context.filename.slice(context.cwd.length);
        for (const part of relative.split(/[\\/]/)) {
          const name = part.split('.')[0];
          if (BANNED.has(name)) context.report({ node, messageId: 'banned', data: { name } });
        }
      },
    };
  },
};
