"""A whole run in small: its folder, its resume, and what it refuses."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from safetensors.torch import load_file, save_file  # noqa: E402

from dfdetect.data.shards import shards_hash, write_shards  # noqa: E402
from dfdetect.errors import DataError, ErrorCode, ModelUnusable, TrainingFailed, UsageError  # noqa: E402
from dfdetect.media.roundtrip import decode  # noqa: E402
from dfdetect.models import pretrained, zoo  # noqa: E402
from dfdetect.train import run as module  # noqa: E402
from dfdetect.train.checkpoint import load_newest  # noqa: E402
from dfdetect.train.module import FaceModule  # noqa: E402
from dfdetect.train.network import first_network, spec_of  # noqa: E402
from dfdetect.train.recipe import Recipe, load_recipe, parse_recipe  # noqa: E402
from dfdetect.train.record import _tensorboard, draw_curve  # noqa: E402
from dfdetect.train.run import Machine, train  # noqa: E402
from face_pictures import plain_records  # noqa: E402
from tiny_run import RECIPE_TOML, tiny_run, tiny_shards, write_recipe  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
HERE = Machine(workers=0, threads=1, quiet=True)
SMALLEST = ["model.architecture=test_efficientnet", "model.input_size_px=32"]


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    return load_recipe(str(write_recipe(tmp_path)))


@pytest.fixture
def smallest(tmp_path: Path) -> Recipe:
    """The same run with a network of a moment."""
    return load_recipe(str(write_recipe(tmp_path)), SMALLEST)


def lines(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def weights_hash(run: Path) -> str:
    return hashlib.sha256((run / "weights.safetensors").read_bytes()).hexdigest()


def test_the_run_folder_holds_what_it_promises() -> None:
    run = tiny_run()
    names = {"recipe.json", "metrics.jsonl", "checkpoints", "weights.safetensors", "tensorboard", "learning_curve.png"}
    assert {path.name for path in run.iterdir()} == names
    facts = json.loads((run / "recipe.json").read_text())
    assert facts["recipe"]["loop"]["images_per_epoch"] == 16
    assert facts["recipe"]["name"] == "tiny"
    assert facts["data_sha256"] == shards_hash(tiny_shards())
    assert facts["start_from"] == "random"
    assert set(facts["versions"]) == {"python", "torch", "lightning", "timm"}
    assert set(facts["environment"]) == {"platform", "cpu_count", "gpus"}
    assert [(line["epoch"], line["step"]) for line in lines(run)] == [(0, 2), (1, 4)]
    assert {"loss", "accuracy", "lr", "val_auc", "val_loss", "val_tpr_at_fpr2", "elapsed_s"} <= set(lines(run)[1])
    assert 0 <= lines(run)[1]["val_auc"] <= 1
    assert len(list((run / "tensorboard").glob("events.*"))) == 1


def test_the_learning_curve_is_a_picture_with_lines() -> None:
    curve = decode((tiny_run() / "learning_curve.png").read_bytes())
    assert curve.shape[1] > 800
    assert len(np.unique(curve.reshape(-1, 3), axis=0)) > 50


def test_without_matplotlib_and_tensorboard_a_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine with the GPU had neither."""
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert draw_curve(tiny_run()) is False
    assert _tensorboard(tiny_run()) is None


def test_no_pickle_is_written() -> None:
    """A checkpoint that runs code when it is opened cannot be passed on."""
    kinds = {path.suffix for path in (tiny_run() / "checkpoints").iterdir()}
    assert kinds == {".json", ".safetensors"}


def test_the_weights_are_a_networks_averaged_ones() -> None:
    kept = load_file(tiny_run() / "weights.safetensors")
    weights = {name: value for name, value in kept.items() if not name.startswith("mask_head.")}
    net = zoo.build("tf_efficientnet_lite0")
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(weights)
    assert any(not torch.equal(before[name], value) for name, value in weights.items())
    saved = load_newest(tiny_run() / "checkpoints", pytest.fail).tensors
    assert torch.equal(weights["head.weight"], saved["weights.ema.module.head.weight"])
    assert not torch.equal(weights["head.weight"], saved["weights.net.head.weight"])
    assert torch.equal(kept["mask_head.weight"], saved["weights.mask_head.weight"])


def test_stop_and_resume_gives_the_weights_of_the_unbroken_run(recipe: Recipe, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(recipe, tiny_shards(), run, max_epochs=1, machine=HERE)
    half = weights_hash(run)
    train(recipe, tiny_shards(), run, resume=True, machine=HERE)
    assert half != weights_hash(run) == weights_hash(tiny_run())
    assert [line["epoch"] for line in lines(run)] == [0, 1]
    train(recipe, tiny_shards(), run, resume=True, machine=HERE)  # it is over: nothing happens
    assert len(lines(run)) == 2


def test_sittings_of_a_moment_end_in_the_same_weights(smallest: Recipe, tmp_path: Path) -> None:
    """Ten minutes on somebody's GPU at a time."""
    whole = train(smallest, tiny_shards(), tmp_path / "whole", machine=HERE)
    run, sitting = tmp_path / "parts", replace(HERE, max_minutes=1e-6)
    train(smallest, tiny_shards(), run, machine=sitting)
    assert load_newest(run / "checkpoints", pytest.fail).progress.step == 1
    assert not (run / "metrics.jsonl").exists()
    for _ in range(3):
        train(smallest, tiny_shards(), run, resume=True, machine=sitting)
    assert weights_hash(run) == weights_hash(whole)
    with pytest.raises(UsageError, match="works on one device"):
        train(smallest, tiny_shards(), tmp_path / "x", machine=replace(sitting, devices=2))


def test_a_damaged_checkpoint_ends_in_the_same_weights(
    smallest: Recipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    smallest = replace(smallest, loop=replace(smallest.loop, checkpoint_steps=1))
    whole = train(smallest, tiny_shards(), tmp_path / "whole", machine=HERE)
    broken = train(smallest, tiny_shards(), tmp_path / "broken", max_epochs=1, machine=HERE)
    newest = broken / "checkpoints" / "step-00000002.safetensors"
    newest.write_bytes(bytes(newest.stat().st_size))
    train(smallest, tiny_shards(), broken, resume=True, machine=HERE)
    said = capsys.readouterr().err
    assert "step-00000002.json: SHA-256 of its tensors" in said
    assert "it is damaged, going on from step-00000001.json" in said
    assert weights_hash(broken) == weights_hash(whole)
    figures = ("loss", "accuracy", "val_auc", "step")
    assert [[line[name] for name in figures] for line in lines(broken)] == [
        [line[name] for name in figures] for line in lines(whole)
    ]


@pytest.mark.parametrize(
    "interval", ["loop.checkpoint_steps=1", "loop.checkpoint_minutes=1e-9", "loop.checkpoint_minutes=0"]
)
def test_how_often_a_checkpoint_is_written_changes_nothing(interval: str, tmp_path: Path) -> None:
    base = ["loop.images_per_epoch=32", "loop.epochs=1", *SMALLEST]
    own, other = (load_recipe(str(write_recipe(tmp_path)), [*base, *more]) for more in ([interval], []))
    for name, each in (("own", own), ("other", other)):
        train(each, tiny_shards(), tmp_path / name, machine=HERE)
    assert weights_hash(tmp_path / "own") == weights_hash(tmp_path / "other")
    written = 1 if interval.endswith("=0") else 3
    assert len(list((tmp_path / "own" / "checkpoints").glob("*.json"))) == written


def test_accumulation_takes_as_many_steps(smallest: Recipe, tmp_path: Path) -> None:
    """Four parts were four steps: the schedule was over after a quarter of the run."""
    parts = replace(smallest, loop=replace(smallest.loop, accumulate=2))
    run = train(parts, tiny_shards(), tmp_path / "run", machine=HERE)
    assert [line["step"] for line in lines(run)] == [2, 4]


@pytest.mark.parametrize("optimiser", ["sgd", "adam", "sam"])
def test_every_optimiser_resumes_exactly(optimiser: str, tmp_path: Path) -> None:
    own = load_recipe(str(write_recipe(tmp_path)), [*SMALLEST, f"optimiser.name={optimiser}", "loss.mask_weight=0.0"])
    train(own, tiny_shards(), tmp_path / "whole", machine=HERE)
    train(own, tiny_shards(), tmp_path / "parts", max_epochs=1, machine=HERE)
    train(own, tiny_shards(), tmp_path / "parts", resume=True, machine=HERE)
    assert weights_hash(tmp_path / "whole") == weights_hash(tmp_path / "parts")


def test_bf16_on_a_cpu(smallest: Recipe, tmp_path: Path) -> None:
    half = replace(smallest, loop=replace(smallest.loop, precision="bf16"))
    run = train(half, tiny_shards(), tmp_path / "run", machine=HERE)
    assert {value.dtype for value in load_file(run / "weights.safetensors").values()} == {torch.float32}


def test_the_best_epoch_is_kept_and_patience_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Validation figures are given: rising, then falling twice."""
    given = iter([0.6, 0.8, 0.7, 0.7, 0.9])
    monkeypatch.setattr("dfdetect.train.module.validation_metrics", lambda _: {"val_auc": next(given), "val_loss": 1.0})
    changes = [*SMALLEST, "loop.keep=best", "loop.patience=2", "loop.epochs=5"]
    own = load_recipe(str(write_recipe(tmp_path)), changes)
    run = train(own, tiny_shards(), tmp_path / "run", machine=HERE)
    assert [line["val_auc"] for line in lines(run)] == [0.6, 0.8, 0.7, 0.7]
    state = load_newest(run / "checkpoints", pytest.fail)
    assert (state.progress.best, state.progress.best_epoch) == (0.8, 1)
    kept = load_file(run / "weights.safetensors")["head.weight"]
    assert not torch.equal(kept, state.tensors["weights.ema.module.head.weight"])


def test_a_metric_that_this_validation_does_not_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The best epoch by a figure that was never there is none, and the run ended without weights."""
    monkeypatch.setattr("dfdetect.train.module.validation_metrics", lambda _: {"val_auc": 0.5, "val_loss": 1.0})
    own = load_recipe(str(write_recipe(tmp_path)), [*SMALLEST, "loop.keep=best", "loop.metric=val_video_auc"])
    with pytest.raises(DataError, match=r"loop.metric = val_video_auc cannot be measured .*val_auc, val_loss"):
        train(own, tiny_shards(), tmp_path / "run", machine=HERE)


def test_without_validation(tmp_path: Path) -> None:
    own = load_recipe(str(write_recipe(tmp_path)), [*SMALLEST, "data.validation=none"])
    run = train(own, shards_of(tmp_path, *plain_records(3)), tmp_path / "run", machine=HERE)
    assert len(lines(run)) == 2
    assert "val_auc" not in lines(run)[0]


def test_a_run_is_not_overwritten_nor_resumed_from_nothing(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"already holds a run; continue it with --resume or choose another folder"):
        train(recipe, tiny_shards(), tiny_run(), machine=HERE)
    with pytest.raises(UsageError, match=r"nothing to resume: .*checkpoints holds no checkpoint"):
        train(recipe, tiny_shards(), tmp_path / "none", resume=True, machine=HERE)
    assert not (tmp_path / "none").exists()


def test_another_recipe_or_other_data_is_no_resume(recipe: Recipe, tmp_path: Path) -> None:
    """Another recipe went on silently in the run folder of the first, and recipe.json told of the wrong one."""
    other = replace(recipe, optimiser=replace(recipe.optimiser, lr=1.0))
    with pytest.raises(UsageError, match=r"was begun with another recipe: optimiser.lr was 0.001, now it is 1.0"):
        train(other, tiny_shards(), tiny_run(), resume=True, machine=HERE)
    shards = shards_of(tmp_path, *plain_records(3), *plain_records(2, reuse="research", first=3))
    with pytest.raises(UsageError, match=r"was begun with other face shards"):
        train(recipe, shards, tiny_run(), resume=True, machine=HERE)


def test_another_runs_weights_can_be_the_start(recipe: Recipe, tmp_path: Path) -> None:
    halved = {name: value.half() for name, value in load_file(tiny_run() / "weights.safetensors").items()}
    save_file(halved, tmp_path / "start.safetensors")
    run = tmp_path / "run"
    train(recipe, tiny_shards(), run, start_from=tmp_path / "start.safetensors", max_epochs=1, machine=HERE)
    assert json.loads((run / "recipe.json").read_text())["start_from"] == "start.safetensors"
    assert (run / "weights.safetensors").is_file()
    begun = module._module(module.resolve(recipe), tmp_path / "start.safetensors", None)
    assert begun.mask_head is not None
    assert torch.equal(begun.mask_head.weight.detach(), halved["mask_head.weight"].float())
    other = replace(recipe, model=replace(recipe.model, architecture="test_vit"))
    with pytest.raises(ModelUnusable, match=r"start.safetensors does not fit the network"):
        train(other, tiny_shards(), tmp_path / "other", start_from=tmp_path / "start.safetensors", machine=HERE)


def test_the_shipped_weights_can_be_the_start() -> None:
    """Half-precision weights of the first default model; a change of a name in the network would lose them."""
    recipe = module.resolve(load_recipe("default"))
    net, begun = first_network(recipe, ROOT / "weights" / "default-0.4.fp16.safetensors")
    assert begun["name"] == "default-0.4.fp16.safetensors"
    assert {value.dtype for value in net.state_dict().values()} <= {torch.float32, torch.int64}
    assert float(net.head.weight.detach().abs().max()) > 0.01


def test_ctrl_c_leaves_the_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lightning ends such a run by SystemExit(1): the command line then said that `--fail-on` was met."""
    own = load_recipe(str(write_recipe(tmp_path)), [*SMALLEST, "loop.checkpoint_steps=1", "loop.epochs=500"])
    step = FaceModule.training_step

    def interrupted(self: FaceModule, batch: object, index: int) -> torch.Tensor:
        if self.progress.step == 3:
            raise KeyboardInterrupt
        return step(self, batch, index)  # type: ignore[arg-type]

    monkeypatch.setattr(FaceModule, "training_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(own, tiny_shards(), tmp_path / "run", machine=HERE)
    assert load_newest(tmp_path / "run" / "checkpoints", pytest.fail).progress.step == 3


def test_missing_pretrained_weights_say_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("_from_package", "_from_cache", "_from_network"):
        monkeypatch.setattr(pretrained, place, lambda *_: None)
    recipe = parse_recipe("tiny", RECIPE_TOML.replace("pretrained = false", "pretrained = true"))
    with pytest.raises(ModelUnusable, match=r"no pretrained weights of tf_efficientnet_lite0: bring the file"):
        train(recipe, tiny_shards(), tmp_path / "run", machine=HERE)
    assert not (tmp_path / "run").exists()


# ---- what breaks a run ----


def test_a_loss_that_is_no_number_keeps_the_batch_and_the_last_good_state(
    smallest: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss became NaN at night; in the morning neither the batch nor any weights were left."""
    step = FaceModule.training_step

    def broken(self: FaceModule, batch: object, index: int) -> torch.Tensor:
        if self.progress.step == 3:
            self.net.head.bias.data.fill_(float("nan"))
        return step(self, batch, index)  # type: ignore[arg-type]

    monkeypatch.setattr(FaceModule, "training_step", broken)
    run = tmp_path / "run"
    with pytest.raises(
        TrainingFailed, match=r"the loss became nan at step 3 \(epoch 1, batch 3\); no weight was changed"
    ):
        train(smallest, tiny_shards(), run, machine=HERE)
    saved = np.load(run / "bad_batch.npz")
    assert saved["images"].shape == (8, 32, 32, 3)
    assert saved["labels"].tolist() == [0] * 4 + [1] * 4
    assert decode((run / "bad_batch.png").read_bytes()).shape == (128, 12 * 128, 3)
    assert load_newest(run / "checkpoints", pytest.fail).progress.step == 2
    monkeypatch.setattr(FaceModule, "training_step", step)
    train(smallest, tiny_shards(), run, resume=True, machine=HERE)
    assert lines(run)[-1]["step"] == 4


def test_a_gradient_that_is_no_number_does_not_reach_the_weights(
    smallest: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss was still finite, the weights were not, and so was the checkpoint that came next."""
    monkeypatch.setattr("torch.nn.utils.clip_grad_norm_", lambda *_, **__: torch.tensor(float("inf")))
    with pytest.raises(TrainingFailed, match=r"the gradient became inf at step 0"):
        train(smallest, tiny_shards(), tmp_path / "run", machine=HERE)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
        torch.cuda.OutOfMemoryError("CUDA out of memory"),
    ],
)
def test_out_of_memory_says_what_to_try(
    error: Exception, smallest: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise error

    monkeypatch.setattr(FaceModule, "training_step", full)
    with pytest.raises(
        TrainingFailed, match=r"with 8 images of 32 px at once. Try --set loop.accumulate=2 \(4 at once"
    ) as caught:
        train(smallest, tiny_shards(), tmp_path / "run", machine=HERE)
    assert caught.value.code is ErrorCode.OUT_OF_MEMORY


def test_another_runtime_error_is_not_called_memory(
    smallest: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FaceModule, "training_step", lambda *_: (_ for _ in ()).throw(RuntimeError("shapes differ")))
    with pytest.raises(RuntimeError, match="shapes differ"):
        train(smallest, tiny_shards(), tmp_path / "run", machine=HERE)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_picture_that_does_not_open_is_named(workers: int, smallest: Recipe, tmp_path: Path) -> None:
    """An error in a worker process came as a page of traceback without a name."""
    bad = replace(plain_records(1)[0], image_bytes=b"\xff\xd8 no picture", path="bad.jpg", target_id="bad")
    shards = shards_of(tmp_path, bad, *plain_records(2, reuse="research", first=20))
    with pytest.raises(DataError, match=r"batch 0 could not be made: items \[0, 1, 2, 3\]: .*not a picture"):
        train(smallest, shards, tmp_path / "run", machine=replace(HERE, workers=workers))


def test_altered_shards_stop_before_training(recipe: Recipe, tmp_path: Path) -> None:
    shutil.copytree(tiny_shards(), tmp_path / "faces")
    (tmp_path / "faces" / "shard-00000.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="was altered"):
        train(recipe, tmp_path / "faces", tmp_path / "run", machine=HERE)
    assert not (tmp_path / "run").exists()


def test_a_device_that_does_not_exist(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown device 'gpu'; the options are: auto, cpu, cuda, mps"):
        train(recipe, tiny_shards(), tmp_path / "run", machine=Machine(device="gpu"))
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match=r"device 'cuda' is not there"):
            train(recipe, tiny_shards(), tmp_path / "run", machine=Machine(device="cuda"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_half_floats_need_a_gpu(smallest: Recipe, tmp_path: Path) -> None:
    half = replace(smallest, loop=replace(smallest.loop, precision="fp16"))
    with pytest.raises(UsageError, match=r'loop.precision = "fp16" needs a CUDA GPU; use "bf16" or "32"'):
        train(half, tiny_shards(), tmp_path / "run", machine=HERE)


def test_a_model_is_fed_as_its_recipe_says(recipe: Recipe) -> None:
    spec = spec_of(module.resolve(recipe))
    assert (spec.architecture, spec.input_size_px, spec.margin) == ("tf_efficientnet_lite0", 64, 0.125)
    assert (spec.mean, spec.std) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    imagenet = replace(recipe, model=replace(recipe.model, architecture="mobilenetv3_small_100", input_size_px=0))
    spec = spec_of(module.resolve(imagenet))
    assert (spec.input_size_px, spec.mean[0], spec.std[2]) == (224, 0.485, 0.225)


def shards_of(folder: Path, *records: object) -> Path:
    write_shards(folder / "faces", records, about={})  # type: ignore[arg-type]
    return folder / "faces"
