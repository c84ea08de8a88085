"""The folder that nnU-Net is told of by ``nnUNet_extTrainer``: it imports every file here by its bare name."""
