import { describe, expect, test } from "vitest";
import { azureClusterIn, endStep, startStep } from "../../../src/mesh/azure-steps.ts";
import { formatStep } from "../../support/build/next-step.ts";

describe("the names in Azure", () => {
  test.each<[cluster: string, user: string, names: readonly string[] | undefined]>([
    ["aks", "clusterUser_rg_aks", ["rg", "aks"]],
    ["aks", "clusterAdmin_rg_aks", ["rg", "aks"]],
    ["aks", "clusterUser_my_group_aks", ["my_group", "aks"]],
    ["a_b", "clusterUser_rg_a_b", ["rg", "a_b"]],
    ["aks", "clusterUser_rg-(test).1_aks", ["rg-(test).1", "aks"]],
    // Another cluster, or a user entry that somebody else wrote, tells nothing for certain.
    ["other", "clusterUser_rg_aks", undefined],
    ["aks", "clusterUser_aks", undefined],
    ["aks", "clusterUser__aks", undefined],
    ["aks", "rg_aks", undefined],
    ["aks", "me", undefined],
    ["", "clusterUser_rg_", undefined],
    ["aks", "clusterUser_rg; rm -rf ._aks", undefined],
    ["$(id)", "clusterUser_rg_$(id)", undefined],
  ])("of the cluster entry %j and the user entry %j", (cluster, user, names) => {
    const found = azureClusterIn({ cluster, user });
    expect(found && [found.resourceGroup, found.name]).toEqual(names);
  });
});

describe("the commands of Azure", () => {
  const azure = { resourceGroup: "rg-(test)", name: "aks" };
  const mesh = { istioNamespace: "istio-system" };

  test("quote what a shell would read", () => {
    expect(formatStep(startStep("asm-1-28", azure, ["asm-1-27"]))).toBe(
      "az aks mesh upgrade start --resource-group 'rg-(test)' --name aks --revision asm-1-28",
    );
  });

  test("are only printed for revisions of AKS", () => {
    expect(formatStep(startStep("1-28", azure, ["1-27"]))).toBe(
      "install the control plane of the revision 1-28 in the way in which you installed 1-27",
    );
    expect(formatStep(endStep("1-27", "1-28", azure, mesh))).toBe(
      "istio-upgrade revisions 1-27 --assert-unused && istioctl uninstall --revision 1-27 --istioNamespace istio-system",
    );
  });
});
