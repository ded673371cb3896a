# `nix run '.?dir=packaging'` from a clone. It compiles DuckDB, as every package does, so the first build takes long.
{
  description = "See what your AI agent did, in a terminal";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];
      each = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
      manifest = (nixpkgs.lib.importTOML ../Cargo.toml).package;
    in
    {
      packages = each (pkgs: {
        default = pkgs.rustPlatform.buildRustPackage {
          pname = manifest.name;
          inherit (manifest) version;
          src = ../.;
          cargoLock.lockFile = ../Cargo.lock;
          buildType = "dist";
          env.SIDESEAT_TUI_PACKED = "nix";
          # They need terminals and sockets; `.ci/run` runs them.
          doCheck = false;
          nativeBuildInputs = [ pkgs.installShellFiles ];
          postInstall = ''
            HOME=$TMPDIR $out/bin/sideseat-tui man man
            installManPage man/*.1
            for shell in bash zsh fish; do
              HOME=$TMPDIR $out/bin/sideseat-tui completions $shell > sideseat-tui.$shell
            done
            installShellCompletion sideseat-tui.{bash,zsh,fish}
            install -Dm644 THIRD-PARTY.txt -t $out/share/doc/sideseat-tui
          '';
          meta = {
            inherit (manifest) description;
            license = pkgs.lib.licenses.asl20;
            mainProgram = manifest.name;
          };
        };
      });
    };
}
