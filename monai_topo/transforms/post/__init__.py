"""Transforms of the network's output."""

from __future__ import annotations

from monai_topo.transforms.post.affinity_to_membrane import (
    AffinityToMembrane,
    AffinityToMembraneD,
    AffinityToMembraned,
    AffinityToMembraneDict,
)
from monai_topo.transforms.post.affinity_watershed import (
    AffinityWatershed,
    AffinityWatershedD,
    AffinityWatershedd,
    AffinityWatershedDict,
)
from monai_topo.transforms.post.bridge_gaps import (
    BridgeGaps,
    BridgeGapsD,
    BridgeGapsd,
    BridgeGapsDict,
)
from monai_topo.transforms.post.bridge_list import Bridge, save_bridges
from monai_topo.transforms.post.close_walls import (
    CloseWalls,
    CloseWallsD,
    CloseWallsd,
    CloseWallsDict,
    WallPiece,
)
from monai_topo.transforms.post.fill_cavities import (
    FillCavities,
    FillCavitiesD,
    FillCavitiesd,
    FillCavitiesDict,
)
from monai_topo.transforms.post.remove_low_persistence import (
    RemoveLowPersistence,
    RemoveLowPersistenceD,
    RemoveLowPersistenced,
    RemoveLowPersistenceDict,
)
from monai_topo.transforms.post.save_segmentation import (
    SaveSegmentationD,
    SaveSegmentationd,
    SaveSegmentationDict,
)
from monai_topo.transforms.post.segment_cells import (
    SegmentCells,
    SegmentCellsD,
    SegmentCellsd,
    SegmentCellsDict,
)
from monai_topo.transforms.post.separate_trees import (
    SeparateTrees,
    SeparateTreesD,
    SeparateTreesd,
    SeparateTreesDict,
)
from monai_topo.transforms.post.stable_manifolds import (
    StableManifolds,
    StableManifoldsD,
    StableManifoldsd,
    StableManifoldsDict,
)
from monai_topo.transforms.post.topology_uncertainty import (
    TopologyUncertainty,
    TopologyUncertaintyD,
    TopologyUncertaintyd,
    TopologyUncertaintyDict,
    UncertainFeature,
    save_uncertain_features,
)
from monai_topo.transforms.post.tuned import tuned_arguments

__all__ = [
    "AffinityToMembrane",
    "AffinityToMembraneD",
    "AffinityToMembraneDict",
    "AffinityToMembraned",
    "AffinityWatershed",
    "AffinityWatershedD",
    "AffinityWatershedDict",
    "AffinityWatershedd",
    "Bridge",
    "BridgeGaps",
    "BridgeGapsD",
    "BridgeGapsDict",
    "BridgeGapsd",
    "CloseWalls",
    "CloseWallsD",
    "CloseWallsDict",
    "CloseWallsd",
    "FillCavities",
    "FillCavitiesD",
    "FillCavitiesDict",
    "FillCavitiesd",
    "RemoveLowPersistence",
    "RemoveLowPersistenceD",
    "RemoveLowPersistenceDict",
    "RemoveLowPersistenced",
    "SaveSegmentationD",
    "SaveSegmentationDict",
    "SaveSegmentationd",
    "SegmentCells",
    "SegmentCellsD",
    "SegmentCellsDict",
    "SegmentCellsd",
    "SeparateTrees",
    "SeparateTreesD",
    "SeparateTreesDict",
    "SeparateTreesd",
    "StableManifolds",
    "StableManifoldsD",
    "StableManifoldsDict",
    "StableManifoldsd",
    "TopologyUncertainty",
    "TopologyUncertaintyD",
    "TopologyUncertaintyDict",
    "TopologyUncertaintyd",
    "UncertainFeature",
    "WallPiece",
    "save_bridges",
    "save_uncertain_features",
    "tuned_arguments",
]
