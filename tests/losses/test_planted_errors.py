"""Errors planted in the losses, one or more for each property that docs/architecture.md promises of them.

Each entry is an error and the tests that must fail with it, so that a test that lets it pass shows here.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from monai_topo.losses import (
    BettiMatchingLoss,
    CbDiceLoss,
    CenterlineCrossEntropyLoss,
    CenterlineDiceLoss,
    ConnectivityLoss,
    DiceCETopologyLoss,
    LifetimeTopoLoss,
    MalisCELoss,
    MalisLoss,
    PerceptualTopologyLoss,
    RegionCrossEntropyLoss,
    SkeletonLoss,
    SkeletonRecallLoss,
    SpatialMatchingLoss,
    TopologyLoss,
    TopoLoss,
    base,
    betti_matching,
    centerline,
    centerline_boundary,
    connectivity,
    critical,
    inputs,
    malis,
    neighbor_penalty,
    persistence,
    points,
    region,
)
from monai_topo.topology.regions import critical as regions
from tests.losses import (
    test_betti_matching,
    test_compound,
    test_connectivity,
    test_critical,
    test_every_loss,
    test_habits,
    test_lifetime,
    test_localized,
    test_malis,
    test_malis_ce,
    test_neighbor_penalty,
    test_perceptual,
    test_region,
    test_skeleton_losses,
    test_topo_loss,
)
from tests.topology.regions import test_critical as test_critical_regions

ENGINE = "native"
original_pulls, original_gather = points.Pulls, points.gather_points
original_match, original_draw = persistence.MATCHINGS, persistence.PersistenceLoss._draw_heights
original_cut, original_compute = base.cut_patches, TopologyLoss._compute
original_mean = TopologyLoss.mean_over_patches
original_soft, original_share = centerline.soft_skeleton, centerline.share_on
original_regions, original_pairs = critical.critical_regions_batch, malis.maximin_pairs
original_slices, original_keep = PerceptualTopologyLoss._compare, regions._keep
original_malis, original_minima = MalisLoss._value, connectivity.edge_minima
original_ends = persistence.PersistenceLoss._ends
original_distances = ConnectivityLoss._pairs


def changed(function, change):
    """The function with its result changed."""
    return lambda *arguments, **options: change(function(*arguments, **options))


def pulls(**changes):
    """What a loss on points returns, some columns changed."""

    def wrong(*columns):
        made = original_pulls(*columns)
        return original_pulls(**{**vars(made), **{name: change(made) for name, change in changes.items()}})

    return wrong


def without(name):
    """A function that is called without one of its arguments."""
    return lambda function: (
        lambda *arguments, **options: function(
            *arguments, **{key: value for key, value in options.items() if key != name}
        )
    )


def first_patch_everywhere(tensor, layouts):
    return original_cut(tensor, [[layout[0]] * len(layout) for layout in layouts])


def sum_over_patches(self, terms_of, *tensors):
    return original_mean(self, terms_of, *tensors) * len(self.layout.slices(tensors[0].shape[2:]))


def noisy(values, *arguments):
    return original_gather(values + 0.01 * values.roll(1), *arguments)


def half(self, input, target):
    return original_compute(self, input.half(), target)


def all_missing(found):
    return [replace(regions, missing=np.ones_like(regions.missing)) for regions in found]


def none_critical(found):
    return [replace(regions, labels=regions.labels * 0, missing=regions.missing[:0]) for regions in found]


def exchanged(found):
    return replace(found, same=found.different, different=found.same)


def upside_down(self, affinities, ids, gradient):
    value = original_malis(self, affinities, ids, gradient)
    gradient *= -1
    return value


def without_band(self, maps):
    loss = copy.copy(self)
    loss.tolerance = 0.0
    return original_distances(loss, maps)


def last_layer(self, *planes):
    loss = copy.copy(self)
    loss.layers = self.layers[-1:]
    return original_slices(loss, *planes)


def across_one_axis(self, likelihood, mask):
    planes = likelihood, mask.to(likelihood.dtype)
    return original_slices(self, *planes)


ignored_by_frame = test_every_loss.test_ignored_voxels_are_the_frame_or_the_outside
PLANTED = {
    # What is ignored.
    "the frame's value without a frame": (
        (inputs.Likelihoods, "ignored_value", lambda *_: 1.0),
        [
            partial(ignored_by_frame, partial(loss, frame=False))
            for loss in (TopoLoss, LifetimeTopoLoss, BettiMatchingLoss, SpatialMatchingLoss)
        ],
    ),
    "the outside's value in a frame": (
        (inputs.Likelihoods, "ignored_value", lambda *_: 0.0),
        [partial(ignored_by_frame, partial(loss, frame=True)) for loss in (TopoLoss, BettiMatchingLoss)],
    ),
    "of a map the largest value in a frame": (
        (inputs.DistanceMaps, "ignored_value", lambda self, truth, frame: float(truth.max())),
        [partial(test_localized.test_ignored_voxels_of_a_map_are_the_frame_or_the_outside, True)],
    ),
    "ignored voxels count": (
        (base, "create_ignore_mask", lambda target, index: None if index is None else torch.ones_like(target[:, :1])),
        [partial(test_every_loss.test_ignored_voxels_do_not_matter, TopoLoss, (7, 9))],
    ),
    # Gather, pull, sum.
    "values beside the critical voxels": (
        (points, "gather_points", noisy),
        [
            partial(test_topo_loss.test_gradient_is_nothing_outside_the_critical_voxels, ENGINE),
            test_betti_matching.test_gradient_reaches_critical_voxels_and_no_other,
        ],
    ),
    "points without a partner go to the corner": (
        (persistence, "to_diagonal", lambda diagram: np.tile(np.float32([1, 0]), (len(diagram), 1))),
        [partial(test_topo_loss.test_components_by_hand, ENGINE), partial(test_lifetime.test_by_hand, ENGINE)],
    ),
    "weights are forgotten": (
        (betti_matching, "Pulls", pulls(weight=lambda made: np.ones_like(made.weight))),
        [partial(test_betti_matching.test_value_by_the_textbook, (5, 9), 0.5, None, True)],
    ),
    "missed features cost nothing": (
        (betti_matching, "Pulls", pulls(constant=lambda made: made.constant * 0)),
        [partial(test_betti_matching.test_value_by_the_textbook, (5, 9), 0.5, None, False)],
    ),
    "true points left over cost nothing": (
        (persistence, "Pulls", pulls(constant=lambda made: made.constant * 0)),
        [partial(test_lifetime.test_features_without_a_point_are_a_constant, ENGINE)],
    ),
    "the class that never dies ends at 1": (
        (persistence.PersistenceLoss, "_ends", changed(original_ends, lambda ends: ends + 1)),
        [partial(test_topo_loss.test_the_essential_component_counts, ENGINE)],
    ),
    "matching by lifetime, whatever is asked for": (
        (persistence, "MATCHINGS", dict.fromkeys(original_match, original_match["by_lifetime"])),
        [partial(test_lifetime.test_order_by_birth_is_another_loss, ENGINE)],
    ),
    # Options that are taken and go unused.
    "the prediction has no frame": (
        (persistence, "persistence_pairs_batch", without("frame")(persistence.persistence_pairs_batch)),
        [partial(test_topo_loss.test_the_frame_closes_a_branch_that_leaves_the_patch, ENGINE)],
    ),
    "matched without a frame": (
        (betti_matching, "match_induced_batch", without("frame")(betti_matching.match_induced_batch)),
        [partial(test_betti_matching.test_value_by_the_textbook, (5, 9), 0.5, None, True)],
    ),
    "always full connectivity": (
        (betti_matching, "match_induced_batch", without("connectivity")(betti_matching.match_induced_batch)),
        [partial(test_betti_matching.test_value_by_the_textbook, (5, 9), 0.5, 1, False)],
    ),
    "always the default engine": (
        (betti_matching, "match_induced_batch", without("engine")(betti_matching.match_induced_batch)),
        [partial(test_every_loss.test_engines_agree, "betti_matching", (9, 13), False)],
    ),
    "no threshold of persistence": (
        (persistence, "persistence_pairs_batch", without("min_persistence")(persistence.persistence_pairs_batch)),
        [partial(test_topo_loss.test_persistence_threshold_leaves_small_points_alone, ENGINE)],
    ),
    "an argument that is not there is accepted": (
        (base, "check_keywords", lambda *_: None),
        [test_habits.test_what_a_setting_fixes_is_no_argument],
    ),
    "repr shows nothing": (
        (base, "describe", lambda *_: ""),
        [partial(test_habits.test_every_argument_is_a_setting_that_is_shown, TopoLoss)],
    ),
    # Heights.
    "one height for all patches": (
        (persistence.PersistenceLoss, "_draw_heights", changed(original_draw, lambda h: h[:1].expand_as(h))),
        [test_localized.test_each_patch_and_call_has_a_height_of_its_own],
    ),
    "slopes of distances on likelihoods": (
        (inputs.Likelihoods, "slope", (0.2, 0.8)),
        [partial(test_localized.test_the_default_slopes_let_likelihoods_be_mended, "linear")],
    ),
    # Patches, channels, reduction, class weights.
    "patches are summed": (
        (TopologyLoss, "mean_over_patches", sum_over_patches),
        [partial(test_every_loss.test_grid_patches_are_averaged, TopoLoss)],
    ),
    "one patch for all": (
        (base, "cut_patches", first_patch_everywhere),
        [partial(test_every_loss.test_grid_patches_are_averaged, TopoLoss)],
    ),
    "items and channels are mixed up": (
        (base, "cut_patches", changed(original_cut, lambda patches: patches.flip(0))),
        [partial(test_every_loss.test_batch_and_channels_one_by_one, TopoLoss)],
    ),
    "class weights are forgotten": (
        (TopologyLoss, "_weigh", lambda self, terms: terms),
        [partial(test_every_loss.test_class_weights, TopoLoss)],
    ),
    "the mean is a sum": (
        (TopologyLoss, "_reduce", lambda self, terms: terms if self.reduction == "none" else terms.sum()),
        [partial(test_every_loss.test_batch_and_channels_one_by_one, TopoLoss)],
    ),
    # What comes in.
    "half precision inside": (
        (TopologyLoss, "_compute", half),
        [partial(test_habits.test_activations_agree, TopoLoss)],
    ),
    "logits pass for likelihoods": (
        (inputs, "_check_likelihood", lambda *_: None),
        [partial(test_habits.test_logits_without_activation_say_what_to_set, TopoLoss)],
    ),
    "NaN passes": (
        (inputs, "_check_likelihood", lambda *_: None),
        [partial(test_habits.test_nan_names_batch_index_and_channel, TopoLoss, float("nan"))],
    ),
    "any number is foreground": (
        (inputs, "to_mask", lambda target, **_: target != 0),
        [partial(test_habits.test_soft_or_class_index_targets_say_what_to_set, TopoLoss)],
    ),
    "any number is a class": (
        (base, "check_classes", lambda *_: None),
        [partial(test_habits.test_a_class_that_the_input_has_no_channel_for_is_named, TopoLoss, 2, "set")],
    ),
    # Cross-entropy.
    "cross-entropy of rounded likelihoods": (
        (
            region.VoxelCrossEntropyLoss,
            "_entropy",
            lambda self, channels: region.cross_entropy(channels.prediction, channels.truth),
        ),
        [
            partial(
                test_region.test_logits_are_not_rounded, RegionCrossEntropyLoss, autocast=False, dtype=torch.float32
            ),
            partial(test_region.test_softmax_is_not_rounded, 3, 40.0, 0.0),
            test_region.test_ridges_of_sure_logits,
        ],
    ),
    # Skeletons.
    "skeletons that come with the target are not looked at": (
        (SkeletonLoss, "channel_terms", TopologyLoss.channel_terms),
        [partial(test_skeleton_losses.test_skeletons_that_come_with_the_target, CenterlineDiceLoss, (8, 9))],
    ),
    "patches have the skeleton of the whole": (
        (
            SkeletonLoss,
            "mean_over_patches",
            lambda self, terms_of, *tensors: original_mean(TopoLoss(), terms_of, *tensors),
        ),
        [partial(test_skeleton_losses.test_patches_cut_the_skeletons_too, CenterlineDiceLoss)],
    ),
    "no dilation": (
        (SkeletonRecallLoss, "skeletons_of", lambda self, mask: SkeletonLoss.skeletons_of(CenterlineDiceLoss(), mask)),
        [partial(test_skeleton_losses.test_value_by_the_formula, SkeletonRecallLoss, (8, 9))],
    ),
    "no iteration": (
        (centerline, "soft_skeleton", lambda likelihood, iterations: original_soft(likelihood, 0)),
        [partial(test_skeleton_losses.test_value_by_the_formula, CenterlineDiceLoss, (8, 9))],
    ),
    "precision is sensitivity": (
        (centerline, "share_on", lambda skeleton, values, smooth: original_share(values, skeleton, smooth)),
        [partial(test_skeleton_losses.test_value_by_the_formula, CenterlineDiceLoss, (5, 6, 4))],
    ),
    "distances by steps": (
        (centerline_boundary, "_distances", lambda mask: np.float32(mask)),
        [partial(test_skeleton_losses.test_value_by_the_formula, CbDiceLoss, (8, 9))],
    ),
    "the prediction has no skeleton": (
        (centerline, "soft_skeleton", lambda likelihood, iterations: torch.zeros_like(likelihood)),
        [partial(test_skeleton_losses.test_value_by_the_formula, CenterlineCrossEntropyLoss, (8, 9))],
    ),
    "radii weigh alike": (
        (centerline_boundary, "INVERSES", {"division": lambda radii, largest: torch.ones_like(radii)}),
        [partial(test_skeleton_losses.test_value_by_the_formula, CbDiceLoss, (5, 6, 4))],
    ),
    # Critical regions.
    "no region is critical": (
        (critical, "critical_regions_batch", changed(original_regions, none_critical)),
        [
            test_critical.test_a_right_prediction_of_another_thickness_is_no_topological_error,
            partial(test_critical.test_loss_0_means_equivalent_inclusions, (6, 7), True),
            partial(test_critical.test_loss_0_means_equivalent_inclusions, (3, 4, 5), True),
        ],
    ),
    "extra regions weigh like missing ones": (
        (critical, "critical_regions_batch", changed(original_regions, all_missing)),
        [partial(test_critical.test_value_and_place_of_the_gradient, 3, "components")],
    ),
    "components, whatever is asked for": (
        (critical, "critical_regions_batch", without("criterion")(original_regions)),
        [
            partial(test_critical.test_loss_0_means_equivalent_inclusions, (6, 7), True),
            partial(test_critical.test_value_and_place_of_the_gradient, 1, "homotopy"),
        ],
    ),
    "every false region is critical": (
        (regions, "_keep", lambda mask, marked: original_keep(mask, mask)),
        [
            partial(test_critical_regions.test_regions_one_by_one, 3, True),
            partial(test_critical.test_loss_0_means_equivalent_inclusions, (3, 4, 5), True),
        ],
    ),
    # Affinities and regions of the background.
    "pairs of two ids are to be joined": (
        (malis, "maximin_pairs", changed(original_pairs, exchanged)),
        [partial(test_malis.test_by_all_pairs, 3, True)],
    ),
    "one pass for both": (
        (malis, "maximin_pairs", without("constrained")(original_pairs)),
        [partial(test_malis.test_by_all_pairs, 3, True), test_malis.test_each_pass_trains_its_own_edges],
    ),
    "affinities are pushed the other way": (
        (MalisLoss, "_value", upside_down),
        [partial(test_malis.test_gradient_in_double_precision, (4, 5), True)],
    ),
    "no cross-entropy on affinities": (
        (MalisCELoss, "voxelwise", lambda self, input, target: input.sum() * 0),
        [partial(test_malis_ce.test_the_sum_of_its_parts, (6, 7), None)],
    ),
    "the larger of two distances": (
        (connectivity, "edge_minima", lambda values: -original_minima(-values)),
        [partial(test_connectivity.test_by_all_pairs_of_voxels, (4, 6), 2.0, 0.0, 0.0)],
    ),
    "no band around the annotation": (
        (ConnectivityLoss, "_pairs", without_band),
        [partial(test_connectivity.test_by_all_pairs_of_voxels, (4, 6), 2.0, 1.0, 0.0)],
    ),
    # Neighbors and networks.
    "no neighbors": (
        (neighbor_penalty, "largest_of_neighbors", lambda values, axes: values),
        [partial(test_neighbor_penalty.test_by_the_definition, (6, 7), 3)],
    ),
    "ignored voxels are neighbors": (
        (neighbor_penalty, "create_ignore_mask", lambda target, index: None),
        [partial(test_neighbor_penalty.test_ignored_voxels_are_nobodys_neighbors, (6, 7))],
    ),
    "slices across one axis": (
        (PerceptualTopologyLoss, "patch_terms", across_one_axis),
        [test_perceptual.test_volumes_by_slices_across_each_axis],
    ),
    "the last layer alone": (
        (PerceptualTopologyLoss, "_compare", last_layer),
        [partial(test_perceptual.test_images_by_the_formula, (1, 2))],
    ),
    # Compounds.
    "Dice and cross-entropy are something else": (
        (DiceCETopologyLoss, "voxelwise", lambda self, input, target: input.square().mean()),
        [partial(test_compound.test_it_is_dicece_plus_the_term, {"sigmoid": True, "to_onehot_y": True})],
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_is_seen(name, monkeypatch):
    (owner, attribute, wrong), checks = PLANTED[name]
    monkeypatch.setattr(owner, attribute, wrong)
    for check in checks:
        with pytest.raises((AssertionError, ValueError, RuntimeError, pytest.fail.Exception)):
            check()


@pytest.mark.parametrize("name", PLANTED)
def test_without_it_they_pass(name):
    for check in PLANTED[name][1]:
        check()
