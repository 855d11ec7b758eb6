"""Trains a face VAE: `python train.py` on built-in synthetic faces, `python train.py --help` for the rest."""

from facevae.command_line.interruption import end_on_signals

if __name__ == "__main__":  # before the other imports, which take a while
    end_on_signals(resumable=True)

from contextlib import nullcontext

from facevae.command_line.ending import exit_on_user_error
from facevae.training import parse_command_line, training_process, what_next


def main() -> None:
    # ------------------------------------------------------------------------------
    # Flags. TensorFlow is imported after they are checked, so that a wrong flag is refused at once.
    # ------------------------------------------------------------------------------
    flags = parse_command_line()
    with training_process(flags) as process:
        run, config = process.run, process.config
        from callbacks import standard_callbacks
        from facevae import training
        from facevae.tensorboard import server

        # --------------------------------------------------------------------------
        # Data
        # --------------------------------------------------------------------------
        dataset = training.prepare_faces(config, run, process.runtime)
        config = training.begin_run(config, run, dataset, process.runtime)

        # --------------------------------------------------------------------------
        # Training
        # --------------------------------------------------------------------------
        print(process.runtime)
        callbacks = standard_callbacks(run, config, dataset)
        with server.serve(run.logs, config.host) if config.tensorboard else nullcontext():
            training.train(config, run, dataset, process.runtime, callbacks, process.interruption)
    process.say(what_next(run, server.SAMPLES_PER_PLUGIN))


if __name__ == "__main__":
    with exit_on_user_error(resumable=True):
        main()
