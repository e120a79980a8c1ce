import { DEFAULT_VALUES, desiredOf, render } from '@sagafleet/operator';
import { Command } from 'commander';
import { loadSteps } from '../manifests/load-steps.ts';
import type { Io } from '../terminal/io.ts';

type Flags = { keda?: boolean; strimzi?: boolean };

export function renderCommand(io: Io): Command {
  return new Command('render')
    .description('print the Kubernetes objects that the operator applies for the steps of a folder, as YAML')
    .argument('<path...>', 'folders or files with SagaSteps')
    .option('--keda', 'as in a cluster where KEDA is installed')
    .option('--strimzi', 'as in a cluster where Strimzi is installed')
    .addHelpText('after', '\nExamples:\n  sagafleet render examples/order\n  sagafleet render payment.yaml --keda | kubectl diff -f -\n')
    .action(async (paths: string[], flags: Flags) => {
      const steps = await loadSteps(paths, io, 'render');
      const facts = { topics: [], steps, hasKeda: flags.keda ?? false, hasStrimzi: flags.strimzi ?? false };
      io.stdout.write(render(steps.flatMap((step) => desiredOf(step, DEFAULT_VALUES, facts).objects)));
    });
}
