import { formatCondition, notableChanges, type ReconcileReporter } from '@sagafleet/operator';

/** What the owner of a step has to know, as the conditions and Events that a cluster shows. */
export function stepReporter(notice: (step: string, text: string) => void): ReconcileReporter {
  return {
    conditions: ({ name }, before, after) => {
      for (const condition of notableChanges(before, after)) notice(name, formatCondition(condition));
    },
    event: ({ name }, { type, reason, message }) => {
      if (type === 'Warning' || reason === 'Removed') notice(name, `${reason}: ${message}`);
    },
    failed: ({ message }) => notice('', message),
  };
}
